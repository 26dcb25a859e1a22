//! A node over HTTP.

use super::ledger::{Answered, Ledger, Refusal, UNCONFIRMED_RETRY_S};
use super::signer::Signing;
use crate::exit::{Code, Failure};
use crate::text::Lang;
use ledger::cbor::{DecodeError, DecodeFault, Reader};
use ledger::checkpoint::Checkpoint;
use ledger::ids::LeafIndex;
use ledger::note::Note;
use ledger::tlog_proof::TlogProof;
use std::io::Read as _;
use std::time::Duration;

/// Bytes of one answer: the largest bundle.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a request may take: a node answers a full sequence within ten minutes.
const TIMEOUT: Duration = Duration::from_secs(600);

/// How long the token of one request holds: until a slow network has carried it there.
const REQUEST_LIFE_S: u64 = 60;

/// Connections kept open to one node: what a mirror has in flight.
pub(crate) const IN_FLIGHT: usize = 8;

/// How long reaching a node may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A node, by its address.
#[derive(Debug)]
pub(crate) struct Remote {
    agent: ureq::Agent,
    url: String,
    lang: Lang,
    origin: String,
    /// Who asks, where it is to prove that.
    asker: Option<Signing>,
}

/// What came back.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    media_type: String,
    retry_after_s: Option<u64>,
}

impl Remote {
    /// Reaches the node at `url` and asks for its log's name.
    ///
    /// # Errors
    /// [`Failure`], busy where nobody answers.
    pub(crate) fn connect(url: &str, lang: Lang) -> Result<Self, Failure> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .max_idle_connections_per_host(IN_FLIGHT)
            .user_agent(concat!("suyuan/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = url.trim_end_matches('/').to_owned();
        let mut remote = Self {
            agent: config.into(),
            url,
            lang,
            origin: String::new(),
            asker: None,
        };
        let checkpoint = remote.get("/checkpoint", &[], "text/plain")?.success()?;
        remote.origin = std::str::from_utf8(&checkpoint)
            .ok()
            .and_then(|text| Note::parse(text).ok())
            .and_then(|note| Checkpoint::parse(note.text()).ok())
            .map(|checkpoint| checkpoint.origin)
            .ok_or_else(|| Failure::new(Code::Proof, format!("{}: no checkpoint", remote.url)))?;
        Ok(remote)
    }

    /// The same node, asked in the name of whoever has this key: each request carries a fresh
    /// token.
    pub(crate) fn asked_by(mut self, asker: Option<Signing>) -> Self {
        self.asker = asker;
        self
    }

    /// Where the node is reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A fresh token, where somebody asks.
    fn bearer(&self) -> Option<String> {
        let asker = self.asker.as_ref()?;
        let token = asker.token(&self.origin, REQUEST_LIFE_S);
        Some(format!("Bearer {}", token.text))
    }

    /// Asks for `path` with `query` in one form.
    ///
    /// # Errors
    /// [`Failure`], busy where nobody answers.
    pub(crate) fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        accept: &str,
    ) -> Result<Got, Failure> {
        let mut request = self
            .agent
            .get(format!("{}{path}", self.url))
            .header("Accept", accept)
            .header("Accept-Language", self.lang.tag())
            .query_pairs(query.iter().copied());
        if let Some(bearer) = self.bearer() {
            request = request.header("Authorization", bearer);
        }
        self.got(request.call())
    }

    /// Sends a JSON value and takes JSON back.
    ///
    /// # Errors
    /// [`Failure`], busy where nobody answers.
    pub(crate) fn post_json(&self, path: &str, body: &serde_json::Value) -> Result<Got, Failure> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .header("Accept-Language", self.lang.tag());
        if let Some(bearer) = self.bearer() {
            request = request.header("Authorization", bearer);
        }
        self.got(request.send(body.to_string().as_bytes()))
    }

    fn post_sequence(&self, statements: &[&[u8]]) -> Result<Got, Failure> {
        let request = self
            .agent
            .post(format!("{}/entries", self.url))
            .header("Content-Type", "application/cbor-seq")
            .header("Accept", "application/cbor-seq");
        self.got(request.send(statements.concat().as_slice()))
    }

    fn got(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Got, Failure> {
        let silent = |error: ureq::Error| {
            Failure::new(Code::Busy, format!("{}: {error}", self.url))
                .remedy("check the address and that the node runs; sending again is safe")
        };
        let mut response = response.map_err(silent)?;
        let retry_after = response.headers().get("Retry-After");
        let retry_after_s = retry_after
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let status = response.status().as_u16();
        let media_type = response.headers().get("Content-Type");
        let media_type = media_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = media_type.to_owned();
        // Room for all that is announced: what grows by doubling is copied as it grows.
        let announced = response.body().content_length().unwrap_or_default();
        let room = usize::try_from(announced.min(ANSWER_BYTES_MAX)).unwrap_or_default();
        let mut body = Vec::with_capacity(room);
        let limited = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        (limited.reader().read_to_end(&mut body))
            .map_err(|error| silent(ureq::Error::from(error)))?;
        Ok(Got {
            status,
            body,
            media_type,
            retry_after_s,
        })
    }
}

impl Got {
    /// After how many seconds a busy node wants to be asked again.
    pub(crate) fn busy_s(&self) -> Option<u64> {
        let busy = self.status == 429 || self.status == 503;
        busy.then(|| self.retry_after_s.unwrap_or(1))
    }

    /// The body of a good answer.
    ///
    /// # Errors
    /// The problem document as a [`Failure`].
    pub(crate) fn success(self) -> Result<Vec<u8>, Failure> {
        if (200..300).contains(&self.status) {
            Ok(self.body)
        } else {
            Err(self.failure())
        }
    }

    /// The body of an answer, which may be that there is no such code.
    ///
    /// # Errors
    /// The problem document as a [`Failure`].
    pub(crate) fn answer(self) -> Result<Vec<u8>, Failure> {
        let problem = self.media_type.contains("problem");
        if self.status == 404 && !problem {
            Ok(self.body)
        } else {
            self.success()
        }
    }

    /// What a problem document says.
    fn failure(&self) -> Failure {
        let code = match self.status {
            401 | 403 | 404 | 409 => Code::Rejected,
            429 | 503 => Code::Busy,
            500..=599 => Code::Store,
            _ => Code::Malformed,
        };
        let json = serde_json::from_slice::<serde_json::Value>(&self.body).unwrap_or_default();
        let text = |key: &str| json.get(key).and_then(|value| value.as_str());
        if let Some(reason) = text("reason") {
            let detail = text("detail").unwrap_or_default();
            let failure = Failure::new(code, format!("{reason}: {detail}"));
            return match text("remedy") {
                Some(remedy) => failure.remedy(remedy),
                None => failure,
            };
        }
        match Problem::read(&mut Reader::new(&self.body)) {
            Ok(problem) => problem.failure(code),
            Err(_) => Failure::new(
                code,
                format!("the node answers with status {}", self.status),
            ),
        }
    }
}

impl Ledger for Remote {
    fn origin(&self) -> &str {
        &self.origin
    }

    fn submit(&self, statements: &[&[u8]]) -> Result<Vec<Answered>, Failure> {
        let got = self.post_sequence(statements)?;
        if got.status == 429 || got.status == 503 {
            let after_s = got.retry_after_s.unwrap_or(1);
            return Ok(vec![Answered::Busy { after_s }; statements.len()]);
        }
        let answers = read_answers(&got.success()?).map_err(|error| {
            Failure::new(Code::Proof, format!("{}: not an answer: {error}", self.url))
        })?;
        if answers.len() == statements.len() {
            Ok(answers)
        } else {
            let what = format!(
                "{} answers to {} statements",
                answers.len(),
                statements.len()
            );
            Err(Failure::new(Code::Proof, format!("{}: {what}", self.url)))
        }
    }

    fn witnessed(&self, leaf: LeafIndex) -> Result<Option<TlogProof>, Failure> {
        let got = self.get(&format!("/entries/{leaf}/proof"), &[], "text/plain")?;
        // Only what is worth waiting for says when to ask again.
        if got.status == 404 && got.retry_after_s.is_some() {
            return Ok(None);
        }
        let proof = TlogProof::parse(&got.success()?);
        proof.map(Some).map_err(|error| {
            let what = format!("{}: not a proof: {error}", self.url);
            Failure::new(Code::Proof, what)
        })
    }
}

/// The answers to a sequence, in order.
fn read_answers(bytes: &[u8]) -> Result<Vec<Answered>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut answers = Vec::new();
    while reader.offset() < bytes.len() {
        answers.push(read_answer(&mut reader)?);
    }
    Ok(answers)
}

fn read_answer(reader: &mut Reader<'_>) -> Result<Answered, DecodeError> {
    let start = reader.offset();
    let (mut leaf, mut status, mut receipt, mut problem) = (None, "", None, None);
    for _ in 0..reader.map()? {
        match reader.text()? {
            "leaf" => leaf = Some(LeafIndex(reader.uint()?)),
            "status" => status = reader.text()?,
            "receipt" => receipt = Some(reader.byte_string()?.to_vec()),
            "problem" => problem = Some(Problem::read(reader)?),
            _ => drop(reader.skip()?),
        }
    }
    let missing = || DecodeFault::Field("answer").at(start);
    Ok(match status {
        "admitted" | "again" => Answered::Recorded {
            leaf: leaf.ok_or_else(missing)?,
            again: status == "again",
            receipt: receipt.ok_or_else(missing)?,
        },
        "busy" => Answered::Busy { after_s: 1 },
        "unconfirmed" => Answered::Busy {
            after_s: UNCONFIRMED_RETRY_S,
        },
        "rejected" | "closed" => {
            let Problem {
                reason,
                detail,
                remedy,
                refusal,
            } = problem.ok_or_else(missing)?;
            Answered::Refused(Refusal {
                reason,
                detail,
                remedy,
                signed: refusal,
            })
        }
        _ => Answered::Halted,
    })
}

/// Concise problem details (RFC 9290), with what this ledger adds.
#[derive(Debug, Default)]
struct Problem {
    reason: String,
    detail: String,
    remedy: String,
    refusal: Vec<u8>,
}

impl Problem {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut problem = Self::default();
        for _ in 0..reader.map()? {
            if reader.peek_major() == Some(3) {
                reader.text()?;
                problem.read_ours(reader)?;
            } else if reader.int()? == -2 {
                reader.text()?.clone_into(&mut problem.detail);
            } else {
                reader.skip()?;
            }
        }
        Ok(problem)
    }

    fn read_ours(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        for _ in 0..reader.map()? {
            match reader.text()? {
                "reason" => reader.text()?.clone_into(&mut self.reason),
                "remedy" => reader.text()?.clone_into(&mut self.remedy),
                "refusal" => self.refusal = reader.byte_string()?.to_vec(),
                _ => drop(reader.skip()?),
            }
        }
        Ok(())
    }

    fn failure(self, code: Code) -> Failure {
        Failure::new(code, self.detail).remedy(self.remedy)
    }
}
