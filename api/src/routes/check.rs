//! Check before the act: may this code be received, filled, dispensed, sold or used now?

use super::Shared;
use super::resolve::invalid;
use crate::app::{App, Ask};
use crate::limits::{CHECK_BODY_TIME, CHECK_BYTES_MAX, CHECK_CODES_MAX, CHECK_TIME};
use crate::openapi::{Answer as Documented, Method, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::{BodyExt as _, Limited};
use ledger::access::{Sight, governs};
use ledger::check::{Act, Attested, Decided, Decision, Question, Reason, check as decide};
use ledger::identifier::{Identifier, Kind, scan};
use ledger::ids::Handle;
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::Limits;
use ledger::provenance::answer::Text;
use ledger::store::{Store as _, StoreError, View};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

pub(crate) static CHECK: Operation = Operation {
    method: Method::Post,
    path: "/check",
    tag: Tag::Resolution,
    summary: "May this code be received, filled, dispensed, sold or used now?",
    description: "One code: {\"code\": any spelling, \"act\": \"receive\", \"fill\", \
        \"dispense\", \"sell\" or \"use\", \"actor\": handle of who would act, optional}. Answers \
        {\"decision\": \"allow\", \"hold\" or \"refuse\", \"reasons\": [{\"decision\", \"rule\", \
        \"item\", \"whose\", \"articles\", \"events\", \"says\", \"mend\"}], \"item\", \"act\", \
        \"actor\", \"as_of\", \"tree_size\", \"root\", \"parties\": names by handle, \"log\", \
        \"signed\"}; signed is the same as a COSE_Sign1 by the log's key, base64, without the \
        sentences and names. A delivery: \"codes\", at most 200, in place of \"code\"; answers \
        {\"decision\": the gravest, \"answers\": [...]} in order, with {\"code\", \"problem\"} for \
        a code that cannot be read, which counts as hold. An actor is named by itself, or by an \
        authority or regulator over it, with a token; whose and events are told to those whom \
        they concern. Of another region it knows what was imported here: a recall over there is \
        seen by /trace.",
    parameters: &[Parameter::query(
        "lang",
        "zh or en, for problems, where Accept-Language cannot be set.",
    )],
    takes: &["application/json"],
    answers: &[Documented {
        status: 200,
        description: "The answer, whatever the decision.",
        types: &["application/json"],
    }],
};

/// The body of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    code: Option<String>,
    codes: Option<Vec<String>>,
    act: Option<String>,
    actor: Option<String>,
}

/// What is asked about each code.
#[derive(Clone, Copy)]
struct About {
    act: Act,
    actor: Option<Handle>,
}

/// `POST /check`.
pub(crate) async fn check<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
    request: Request,
) -> Result<Response, Problem> {
    let asked = tokio::time::timeout(CHECK_BODY_TIME, read(request.into_body()))
        .await
        .map_err(|_| Problem::BodyIncomplete)??;
    let about = About {
        act: act(asked.act.as_deref())?,
        actor: asked.actor.as_deref().map(handle).transpose()?,
    };
    if let Some(why) = app.service.not_signing() {
        return Err(why.into());
    }
    // A log that has stopped signs nothing more.
    if !app.service.ready() {
        return Err(Problem::Halted);
    }
    match (asked.code, asked.codes) {
        (Some(code), None) => one(&app, &ask, code, about).await,
        (None, Some(codes)) => many(&app, &ask, codes, about).await,
        (None, None) => Err(Problem::ParameterMissing { parameter: "code" }),
        (Some(_), Some(_)) => Err(invalid("codes", "given beside code")),
    }
}

async fn read(body: Body) -> Result<Asked, Problem> {
    let read = Limited::new(body, CHECK_BYTES_MAX).collect().await;
    let bytes = read.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            let limit_bytes = u64::try_from(CHECK_BYTES_MAX).unwrap_or(u64::MAX);
            Problem::BodyTooLarge { limit_bytes }
        } else {
            Problem::BodyIncomplete
        }
    })?;
    serde_json::from_slice(&bytes.to_bytes()).map_err(|error| invalid("body", &error.to_string()))
}

fn act(word: Option<&str>) -> Result<Act, Problem> {
    let word = word.ok_or(Problem::ParameterMissing { parameter: "act" })?;
    Act::parse(word).ok_or_else(|| invalid("act", "not receive, fill, dispense, sell or use"))
}

/// A handle, alone or as a participant's identifier.
fn handle(text: &str) -> Result<Handle, Problem> {
    let own = |text| Identifier::parse(text).ok()?.participant_handle();
    Handle::parse(text)
        .or_else(|| own(text))
        .ok_or_else(|| invalid("actor", "not a participant's handle"))
}

async fn one<S: Service>(
    app: &App<S>,
    ask: &Ask,
    code: String,
    about: About,
) -> Result<Response, Problem> {
    let item = goods(&code)?;
    let answers = answers(app, ask, vec![item], about).await?;
    let answer = answers.into_iter().next().ok_or(Problem::StoreFailed)??;
    Ok(Json(to_json(app, &code, &answer)).into_response())
}

async fn many<S: Service>(
    app: &App<S>,
    ask: &Ask,
    codes: Vec<String>,
    about: About,
) -> Result<Response, Problem> {
    if codes.len() > CHECK_CODES_MAX {
        let why = format!("more than {CHECK_CODES_MAX}");
        return Err(invalid("codes", &why));
    }
    // Each code counts as a request; the first was counted at the door.
    for _ in codes.iter().skip(1).filter(|_| !ask.caller.local) {
        let taken = app.buckets.take(ask.caller.counted, Instant::now());
        taken.map_err(|retry_after_s| Problem::TooManyRequests { retry_after_s })?;
    }
    let read: Vec<Result<Identifier, Problem>> = codes.iter().map(|code| goods(code)).collect();
    let items = read.iter().flatten().cloned().collect();
    let mut answered = answers(app, ask, items, about).await?.into_iter();
    let mut worst = Decision::Allow;
    let mut all = Vec::with_capacity(codes.len());
    for (code, read) in codes.iter().zip(read) {
        let answer = read.and_then(|_| answered.next().ok_or(Problem::StoreFailed)?);
        let (decision, json) = match answer {
            Ok(answer) => {
                let decision = answer.attested.answer.decision;
                (decision, to_json(app, code, &answer))
            }
            Err(problem) => {
                let problem = problem.to_json(ask.wishes.lang, CHECK.path);
                (Decision::Hold, json!({"code": code, "problem": problem}))
            }
        };
        worst = worst.max(decision);
        all.push(json);
    }
    Ok(Json(json!({"decision": worst.word(), "answers": all})).into_response())
}

/// What a code names, if that is goods.
fn goods(code: &str) -> Result<Identifier, Problem> {
    let item = scan(code)?.identifier;
    let kind = item.kind();
    if matches!(kind, Kind::Gtin | Kind::OwnProduct) {
        return Err(Problem::LotNeeded {
            item: item.human_readable(),
        });
    }
    if matches!(kind, Kind::Participant | Kind::Party | Kind::Location) {
        return Err(invalid("code", "names a participant or a place, not goods"));
    }
    Ok(item)
}

/// An answer, its signed form, and names for people.
struct Answered {
    attested: Attested,
    signed: Vec<u8>,
    parties: BTreeMap<Handle, Text>,
}

/// Decides about each item, all from one tree, as long as there is time. Builds no proofs.
async fn answers<S: Service>(
    app: &App<S>,
    ask: &Ask,
    items: Vec<Identifier>,
    about: About,
) -> Result<Vec<Result<Answered, Problem>>, Problem> {
    let ask = ask.clone();
    app.read(move |service| {
        let started = Instant::now();
        let view = service.store().view();
        let reader = ask.reader_of(service, &view, Sight::Named)?;
        if let Some(actor) = about.actor {
            may_name(&view, &reader, actor)?;
        }
        let head = view.head()?.ok_or(Problem::LogEmpty)?;
        let one = |item| {
            if started.elapsed() > CHECK_TIME {
                let limit_s = CHECK_TIME.as_secs();
                return Err(Problem::TimedOut { limit_s });
            }
            let question = Question {
                item,
                act: about.act,
                actor: about.actor,
                at: service.now(),
            };
            // A source of its own: what one code may cost takes nothing from the next.
            let mut source = ViewSource::new(&view, reader.clone());
            let mut decided = decide(&mut source, &question, Limits::DEFAULT)?;
            limit(&mut decided, &reader, &mut source)?;
            let attested = Attested {
                answer: decided.answer,
                size: head.size(),
                root: head.block.root,
            };
            Ok(Answered {
                signed: service.attest(&attested),
                attested,
                parties: decided.parties,
            })
        };
        Ok(items.into_iter().map(one).collect())
    })
    .await
}

/// Whether somebody has the goods is told to that one and to who has a say over it: else the maker's
/// customers could be found by trying every handle.
fn may_name<V: View>(view: &V, reader: &Reader, actor: Handle) -> Result<(), Problem> {
    let bearer = reader.bearer().ok_or(Problem::ActorNeedsIdentity)?;
    let party = ViewSource::new(view, Reader::Public).party(actor)?;
    if bearer.handle() == actor || governs(bearer, &party.district) {
        Ok(())
    } else {
        Err(Problem::NotEntitled {
            what: "whether another has the goods",
            caller: bearer.handle(),
        })
    }
}

/// Takes out of an answer whom and which events its reader may not see. Decisions and rules stay.
fn limit<V: View>(
    decided: &mut Decided,
    reader: &Reader,
    source: &mut ViewSource<'_, V>,
) -> Result<(), StoreError> {
    let whose = |reason: &Reason| reason.whose.as_deref().and_then(|whose| handle(whose).ok());
    let mut known = BTreeSet::new();
    let reasons = &mut decided.answer.reasons;
    let named = decided.parties.keys().copied();
    for handle in named.chain(reasons.iter().filter_map(whose)) {
        let knows = match reader {
            Reader::Public => false,
            Reader::Bearer(entitled) => entitled.knows(&source.party(handle)?),
            Reader::Confidential | Reader::All => true,
        };
        if knows {
            known.insert(handle);
        }
    }
    decided.parties.retain(|handle, _| known.contains(handle));
    for reason in reasons {
        let keeps = whose(reason).is_some_and(|handle| known.contains(&handle));
        reason.events.retain(|at| source.sight(*at) >= Sight::Named);
        if !keeps {
            reason.whose = None;
            // A container's number would name who packed it.
            if reason.events.is_empty() {
                reason.item.clone_from(&decided.answer.item);
            }
        }
    }
    Ok(())
}

fn to_json<S: Service>(app: &App<S>, code: &str, answer: &Answered) -> Value {
    let mut json = answer.attested.to_json();
    json["code"] = code.into();
    json["parties"] = json!(answer.parties);
    json["log"] = app.service.origin().into();
    json["signed"] = STANDARD.encode(&answer.signed).into();
    json
}
