//! The pages people see: pure functions from an answer to HTML.
//!
//! No request, clock or store is known here; what a page needs comes in as arguments, and the
//! same arguments give the same bytes. Pages work without script, ask no other host for anything,
//! and escape every value. All text comes from the catalogue.
//!
//! **Invariant:** a page shows a verdict as colour, icon and word together, never says that goods
//! are genuine, and stays under 100 kB with its style sheet.

mod asset;
mod curve;
mod docs;
mod elsewhere;
mod facts;
mod names;
mod verifier;
mod view;
mod when;
pub mod words;

pub use asset::asset;
pub use verifier::{Verifier, verifier};

use askama::Template;
use ledger::ids::{Handle, TreeSize, UnixMillis};
use ledger::provenance::Answer;
use ledger::provenance::answer::{Party, Product, Text, Verdict};
use ledger_web::catalogue::{self, Key};
use names::Name;
use serde_json::Value;
use std::borrow::Borrow;
use std::collections::BTreeMap;
use view::{Row, View};

/// The language of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Chinese, unless asked otherwise.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The reader's language: what `?lang=` says, else the first of ours in `Accept-Language`
    /// (RFC 9110 §12.5.4, by weight, then order), else Chinese.
    #[must_use]
    pub fn choose(query: Option<&str>, accept_language: Option<&str>) -> Self {
        if let Some(lang) = query.and_then(Self::of_tag) {
            return lang;
        }
        let mut best: Option<(u16, Self)> = None;
        // Browsers send fewer than ten; the rest would be an attempt to keep us busy.
        for range in accept_language.unwrap_or_default().split(',').take(16) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight = thousandths(weight);
            if let Some(lang) = Self::of_tag(tag)
                && weight > best.map_or(0, |(weight, _)| weight)
            {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::Zh, |(_, lang)| lang)
    }

    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next()?;
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Zh)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// The tag for `lang` attributes and `?lang=`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The text of `key`.
    #[must_use]
    pub(crate) const fn t(self, key: Key) -> &'static str {
        let (zh, en) = key.both();
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// The text of `key` with `values` in their places.
    #[must_use]
    pub(crate) fn fill(self, key: Key, values: &[&str]) -> String {
        catalogue::fill(self.t(key), values)
    }

    const fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }
}

/// A weight `q=0.8` in thousandths; a malformed one counts as nothing.
fn thousandths(weight: &str) -> u16 {
    let Some(number) = weight.trim().strip_prefix("q=") else {
        return 0;
    };
    match number.trim().split_once('.') {
        None => u16::from(number.trim() == "1") * 1000,
        Some(("1", _)) => 1000,
        Some(("0", digits)) => format!("{digits:0<3}")
            .get(..3)
            .map_or(0, |digits| digits.parse().unwrap_or(0)),
        Some(_) => 0,
    }
}

/// What every page knows about the ledger and the request.
#[derive(Clone, Debug, Default)]
pub struct PageContext {
    /// The reader's language.
    pub lang: Lang,
    /// Path and query of this page without `lang`, for the language switch: `/01/…`.
    pub here: String,
    /// The log's name.
    pub origin: String,
    /// Where the ledger is reached from outside, `https://host`.
    pub public_url: String,
    /// The checkpoint that the page was made from.
    pub checkpoint: Option<Checkpoint>,
    /// What was checked for this page, and where to check it again.
    pub proof: Option<Proof>,
    /// What other regions are called, by the origins of their logs.
    pub regions: BTreeMap<String, Text>,
}

/// The checkpoint's facts.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Entries in the tree.
    pub size: TreeSize,
    /// The newest block's time.
    pub time: UnixMillis,
    /// The root hash, shortened for reading.
    pub root: String,
}

/// The longest policy on a page: some twenty witnesses. Cut short it would say something else, so
/// that a longer one is had from the operator, as it should be anyway.
const POLICY_SHOWN_BYTES_MAX: usize = 4096;

/// What the server checked, and how to check it without the server.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The item asked for, canonical.
    pub item: String,
    /// Signatures verified for this answer.
    pub signatures: usize,
    /// Whether the bundle is of open lists only.
    pub open: bool,
    /// Outside witnesses that cosigned the checkpoint.
    pub witnesses: usize,
    /// The bundle, CBOR.
    pub bundle_url: String,
    /// The answer, JSON.
    pub json_url: String,
    /// The command that verifies the bundle offline.
    pub verify_command: String,
    /// Other regions' copies of the verifier for browsers; this node's own where there is none.
    pub verifiers: Vec<String>,
    /// The trust policy by which the log's checkpoints are read (C2SP tlog-policy).
    pub policy: String,
}

impl Proof {
    /// The trust policy, where it has room on a page.
    fn shown_policy(&self) -> Option<&str> {
        Some(&*self.policy).filter(|policy| policy.len() <= POLICY_SHOWN_BYTES_MAX)
    }
}

impl PageContext {
    /// The text of a key, which templates pass by value or by reference.
    fn t(&self, key: impl Borrow<Key>) -> &'static str {
        self.lang.t(*key.borrow())
    }

    /// This page in the other language.
    fn switch(&self) -> String {
        let joint = if self.here.contains('?') { '&' } else { '?' };
        format!("{}{joint}lang={}", self.here, self.lang.other().tag())
    }

    fn checked(&self, proof: &Proof) -> String {
        self.lang
            .fill(Key::ProofChecked, &[&proof.signatures.to_string()])
    }

    fn moment(&self, checkpoint: &Checkpoint) -> String {
        when::moment(self.lang, checkpoint.time, checkpoint.time)
    }

    /// A verifier's address with this code filled in: what stands behind `#` is sent to no server.
    fn verifier(&self, url: &str, item: &str) -> String {
        let item: String = form_urlencoded::byte_serialize(item.as_bytes()).collect();
        format!("{url}?lang={}#{item}", self.lang.tag())
    }

    fn home(&self) -> String {
        format!("/?lang={}", self.lang.tag())
    }
}

/// A page that says one thing and what to do next.
#[derive(Template)]
#[template(path = "message.html", whitespace = "minimize")]
struct MessagePage<'a> {
    page: &'a PageContext,
    title: String,
    tone: &'static str,
    icon: &'static str,
    lead: String,
    code: (Key, &'a str),
    why: Option<&'a str>,
    next: &'a [Key],
    proof: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "answer.html", whitespace = "minimize")]
struct AnswerPage<'a> {
    page: &'a PageContext,
    title: String,
    view: View,
}

#[derive(Template)]
#[template(path = "lot.html", whitespace = "minimize")]
struct LotPage<'a> {
    page: &'a PageContext,
    title: String,
    product: Option<Name>,
    gtin: &'a str,
}

#[derive(Template)]
#[template(path = "home.html", whitespace = "minimize")]
struct HomePage<'a> {
    page: &'a PageContext,
    title: String,
}

#[derive(Template)]
#[template(path = "participant.html", whitespace = "minimize")]
struct ParticipantPage<'a> {
    page: &'a PageContext,
    title: String,
    name: Name,
    roles: String,
    district: &'static str,
    party: &'a Party,
    licences: Vec<(&'static str, &'a str)>,
    handle: String,
}

#[derive(Template)]
#[template(path = "api.html", whitespace = "minimize")]
struct ApiPage<'a> {
    page: &'a PageContext,
    title: String,
    url: &'a str,
    operations: Vec<docs::Operation<'a>>,
}

/// Renders. Writing a page to memory fails only if a value's `Display` fails, and ours do not; an
/// empty page would then show in every test.
fn html(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

impl PageContext {
    fn titled(&self, title: &str) -> String {
        format!("{title} – {}", self.t(Key::Site))
    }
}

/// The page a scan opens.
#[must_use]
pub fn answer(answer: &Answer, page: &PageContext) -> String {
    if answer.verdict == Verdict::Unknown {
        return unknown(&names::printed(&answer.item), page);
    }
    let names = names::Names {
        answer,
        lang: page.lang,
        whole: names::Whole {
            answer,
            here: &page.origin,
            regions: &page.regions,
        },
        abroad: false,
    };
    let view = View::of(names);
    let lot = view
        .serial
        .as_deref()
        .or(view.lot.as_deref())
        .unwrap_or_default();
    let words = [page.t(view.verdict), view.product.text.as_str(), lot];
    let title = page.titled(&names::join(words.into_iter()));
    html(&AnswerPage { page, title, view })
}

/// No such code on this ledger.
#[must_use]
pub fn unknown(code: &str, page: &PageContext) -> String {
    html(&MessagePage {
        page,
        title: page.t(Key::VerdictUnknown).to_owned(),
        tone: "none",
        icon: "ask",
        lead: page.t(Key::AdviceUnknown).to_owned(),
        code: (Key::CodeGiven, &names::shorten(code)),
        why: None,
        next: &[Key::UnknownNext1, Key::UnknownNext2, Key::UnknownNext3],
        proof: page.proof.as_ref().map(|proof| proof.bundle_url.as_str()),
    })
}

/// What was scanned or typed is no code; `why` is the reason as the parser gives it.
#[must_use]
pub fn malformed(code: &str, why: &str, page: &PageContext) -> String {
    html(&MessagePage {
        page,
        title: page.t(Key::MalformedTitle).to_owned(),
        tone: "none",
        icon: "ask",
        lead: page.t(Key::MalformedLead).to_owned(),
        code: (Key::CodeGiven, &names::shorten(code)),
        why: Some(why),
        next: &[Key::MalformedNext1, Key::MalformedNext2],
        proof: None,
    })
}

/// A well-formed code that this ledger does not serve.
#[must_use]
pub fn foreign(code: &str, page: &PageContext) -> String {
    html(&MessagePage {
        page,
        title: page.t(Key::ForeignTitle).to_owned(),
        tone: "none",
        icon: "ask",
        lead: page.t(Key::ForeignLead).to_owned(),
        code: (Key::CodeGiven, &names::shorten(code)),
        why: None,
        next: &[Key::ForeignNext1, Key::ForeignNext2],
        proof: None,
    })
}

/// A request that failed: its HTTP status, and the problem document's title and detail.
#[must_use]
pub fn problem(status: u16, title: &str, detail: &str, page: &PageContext) -> String {
    html(&MessagePage {
        page,
        title: title.to_owned(),
        tone: "none",
        icon: "ask",
        lead: String::new(),
        code: (Key::ProblemStatus, &status.to_string()),
        why: Some(detail).filter(|detail| !detail.is_empty()),
        next: &[],
        proof: None,
    })
}

/// The code names a product only: asks for the lot, and sends it to `/trace?code=`.
#[must_use]
pub fn ask_lot(product: Option<&Product>, gtin: &str, page: &PageContext) -> String {
    let product = product.and_then(|product| Name::of(page.lang, &product.name));
    let title = page.titled(page.t(Key::AskTitle));
    html(&LotPage {
        page,
        title,
        product,
        gtin,
    })
}

/// Who a participant is.
#[must_use]
pub fn participant(handle: Handle, party: &Party, page: &PageContext) -> String {
    let name =
        Name::of(page.lang, &party.name).unwrap_or_else(|| Name::own(page.lang, Key::PartyUnnamed));
    let licences = party.licences.iter();
    html(&ParticipantPage {
        page,
        title: page.titled(&name.text),
        name,
        roles: names::roles(page.lang, party),
        district: names::district(page.lang, &party.district).unwrap_or_default(),
        party,
        licences: licences
            .map(|(kind, number)| (page.t(catalogue::licence(kind)), number.as_str()))
            .collect(),
        handle: handle.to_string(),
    })
}

/// A box to type a code into.
#[must_use]
pub fn home(page: &PageContext) -> String {
    html(&HomePage {
        page,
        title: page.titled(page.t(Key::HomeTitle)),
    })
}

/// The operations of an OpenAPI document, for reading; `url` is where the document itself is.
#[must_use]
pub fn api_docs(openapi: &Value, url: &str, page: &PageContext) -> String {
    let title = page.titled(page.t(Key::ApiTitle));
    html(&ApiPage {
        page,
        title,
        url,
        operations: docs::operations(openapi),
    })
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
