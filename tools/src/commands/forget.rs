//! `suyuan forget`: which personal parts a statement has, and the order to delete them.

use super::act::{ActArgs, act};
use super::keygen::parse_handle;
use crate::client::http::Remote;
use crate::client::ledger::{Target, open_failure, with_source};
use crate::client::signer::{AskerArgs, Signing};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use clap::{Args as ClapArgs, Subcommand};
use ledger::forget::{Order, parts_of};
use ledger::hash::Digest;
use ledger::ids::{CaptureId, Handle, LeafIndex};
use ledger::provenance::answer::Text;
use ledger::registry::Action;
use ledger::state::{EventRecord, Record as _, StateKey};
use ledger::store::{EventRef, View};
use ledger_rocks::{Options, ReadOnlyStore};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Find the personal parts of a statement or event, and order them deleted.
///
/// The keys of the parts are overwritten, and what backups of the database hold of them is noise.
/// Receipts, bundles and proofs stay as they are. The order stands on the ledger for ever: who,
/// when, why.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan forget list 812 --key authority.key
  suyuan forget list urn:uuid:0a1b… --issuer 4EgUvJQ7-OKk9eS4tHtZzQ
  suyuan forget order 812.0 --number 川网信删〔2026〕12号 \\
      --basis-zh 个人信息保护法第四十七条 --basis-en 'PIPL art. 47' --key authority.key")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show which personal parts there are, and what became of them; never what they say.
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        asker: AskerArgs,
        #[command(flatten)]
        target: Target,
    },
    /// Order personal parts deleted, as an authority in whose district their issuer is.
    Order {
        #[command(flatten)]
        which: Which,
        /// One part only, by digest: 64 hexadecimal digits; may be repeated. All of them without
        /// it.
        #[arg(long, value_name = "DIGEST", value_parser = parse_digest)]
        part: Vec<Digest>,
        /// The number of the authority's order. Public for ever: it must name no person.
        #[arg(long)]
        number: String,
        /// The law and article, in Chinese. Public for ever.
        #[arg(long, value_name = "TEXT")]
        basis_zh: String,
        /// The law and article, in English. Public for ever.
        #[arg(long, value_name = "TEXT")]
        basis_en: String,
        #[command(flatten)]
        act: ActArgs,
    },
}

/// Which statement or event.
#[derive(Debug, ClapArgs)]
struct Which {
    /// A statement's leaf, one event's place (leaf.index), or with --issuer an eventID.
    #[arg(value_name = "LEAF|LEAF.INDEX|EVENT-ID")]
    id: String,
    /// Who issued the event: a handle.
    #[arg(long, allow_hyphen_values = true, value_parser = parse_handle)]
    issuer: Option<Handle>,
}

fn parse_digest(text: &str) -> Result<Digest, String> {
    Digest::from_hex(text)
        .filter(|digest| digest.to_string() == text)
        .ok_or_else(|| "a digest has 64 lower-case hexadecimal digits".to_owned())
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    match &args.command {
        Command::List {
            which,
            asker,
            target,
        } => {
            let found = find(which, target, console, asker.read()?)?;
            if console.json {
                return console.value(&found);
            }
            show(console, &found)
        }
        Command::Order {
            which,
            part,
            number,
            basis_zh,
            basis_en,
            act: args,
        } => {
            let basis = Text {
                zh: basis_zh.clone(),
                en: basis_en.clone(),
            };
            let asker = Some(args.signer.read()?);
            let found = find(which, &args.target, console, asker)?;
            let records = orders(&found, part, &basis, number)?
                .iter()
                .map(Order::record)
                .collect();
            act(args, console, Action::Forget, records)
        }
    }
}

/// The orders over those parts that are `wanted` and can still be read, one for each disclosure.
fn orders(
    found: &Value,
    wanted: &[Digest],
    basis: &Text,
    number: &str,
) -> Result<Vec<Order>, Failure> {
    let malformed = || Failure::malformed("the node's answer is none");
    let text = |key: &str| found[key].as_str();
    let leaf = found["leaf"]
        .as_u64()
        .map(LeafIndex)
        .ok_or_else(malformed)?;
    let issuer = text("issuer")
        .and_then(Handle::parse)
        .ok_or_else(malformed)?;
    let capture = text("capture")
        .and_then(CaptureId::parse)
        .ok_or_else(malformed)?;
    let mut there: BTreeMap<u16, Vec<Digest>> = BTreeMap::new();
    for part in list(found) {
        let index = part["index"].as_u64().and_then(|it| u16::try_from(it).ok());
        let digest = part["part"].as_str().and_then(Digest::from_hex);
        let (Some(index), Some(digest)) = (index, digest) else {
            return Err(malformed());
        };
        let is_wanted = wanted.is_empty() || wanted.contains(&digest);
        if is_wanted && part["standing"] != "deleted" {
            there.entry(index).or_default().push(digest);
        }
    }
    let named: usize = there.values().map(Vec::len).sum();
    if named == 0 || named < wanted.len() {
        let what = "not all of these are personal parts of it that can still be deleted";
        return Err(Failure::usage(what).remedy("see which there are: suyuan forget list"));
    }
    Ok(there
        .into_iter()
        .map(|(index, parts)| Order {
            at: EventRef { leaf, index },
            issuer,
            capture,
            parts,
            basis: basis.clone(),
            number: number.to_owned(),
        })
        .collect())
}

fn list(found: &Value) -> &[Value] {
    found["parts"].as_array().map_or(&[], Vec::as_slice)
}

/// The personal parts, as the node answers `GET /events/{id}/parts`.
fn find(
    which: &Which,
    target: &Target,
    console: Console,
    asker: Option<Signing>,
) -> Result<Value, Failure> {
    match target.dir() {
        Some(dir) => local(which, dir),
        None => remote(which, target.node(), console, asker),
    }
}

fn remote(
    which: &Which,
    url: &str,
    console: Console,
    asker: Option<Signing>,
) -> Result<Value, Failure> {
    let node = Remote::connect(url, console.lang)?.asked_by(asker);
    let issuer = which.issuer.map(|handle| handle.to_string());
    let query: Vec<(&str, &str)> = issuer
        .iter()
        .map(|text| ("issuer", text.as_str()))
        .collect();
    let path = format!("/events/{}/parts", encoded(&which.id));
    let body = node.get(&path, &query, "application/json")?.success()?;
    serde_json::from_slice(&body).map_err(Failure::malformed)
}

/// One segment of a path: everything but unreserved characters percent-encoded (RFC 3986 §2.1).
fn encoded(segment: &str) -> String {
    segment
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn local(which: &Which, dir: &Path) -> Result<Value, Failure> {
    let settings = node::read_settings(dir).map_err(|error| open_failure(&error))?;
    let store = ReadOnlyStore::open(dir, settings.origin(), Options::default())
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?;
    let view = store.view();
    let unknown = || {
        Failure::usage(format!("{}: no such statement or event", which.id))
            .remedy("name a leaf, a place (leaf.index), or an eventID with --issuer")
    };
    let (leaf, index) = match which.issuer {
        None => place(&which.id).ok_or_else(unknown)?,
        Some(issuer) => {
            let at = event(&view, issuer, &which.id)?.ok_or_else(unknown)?;
            (at.leaf, Some(at.index))
        }
    };
    let found = parts_of(&view, leaf)?.ok_or_else(unknown)?;
    Ok(found.to_json(index))
}

/// `812` or `812.0`.
fn place(id: &str) -> Option<(LeafIndex, Option<u16>)> {
    let (leaf, index) = match id.split_once('.') {
        Some((leaf, index)) => (leaf, Some(index.parse().ok()?)),
        None => (id, None),
    };
    Some((LeafIndex(leaf.parse().ok()?), index))
}

fn event(view: &impl View, issuer: Handle, id: &str) -> Result<Option<EventRef>, Failure> {
    let found = view
        .records(&[StateKey::event(issuer, id)])?
        .pop()
        .flatten();
    let record = found.map(|bytes| EventRecord::decode(&bytes)).transpose();
    let record = record.map_err(|error| Failure::new(Code::Store, error))?;
    Ok(record.map(|record| EventRef {
        leaf: record.leaf,
        index: record.index,
    }))
}

fn show(console: Console, found: &Value) -> Result<(), Failure> {
    let pick = |text| console.lang.pick(text);
    let texted = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if list(found).is_empty() {
        return console.say(text::NO_PARTS);
    }
    let rows = list(found).iter().map(|part| {
        let standing = part["standing"].as_str().unwrap_or_default();
        let deleted = &part["deleted"];
        vec![
            part["index"].to_string(),
            texted(&part["part"]),
            pick(text::standing(standing)).to_owned(),
            texted(&deleted["on"]),
            texted(&deleted["by"]),
            texted(&deleted["number"]),
        ]
    });
    let headings = [
        text::INDEX,
        text::PART,
        text::STANDING,
        text::TIME,
        text::ORDERED_BY,
        text::ORDER_NUMBER,
    ];
    console.table(&headings, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found() -> Value {
        let part = |index: u16, byte: u8, standing| json!({"index": index, "part": Digest([byte; 32]).to_string(), "standing": standing});
        json!({
            "leaf": 7,
            "issuer": Handle([1; 16]).to_string(),
            "capture": CaptureId([2; 16]).to_string(),
            "parts": [part(0, 1, "kept"), part(0, 2, "deleted"), part(3, 3, "kept")],
        })
    }

    fn basis() -> Text {
        Text {
            zh: "法".to_owned(),
            en: "law".to_owned(),
        }
    }

    #[test]
    fn an_order_names_what_is_left_or_just_what_was_asked_for() {
        let all = orders(&found(), &[], &basis(), "1").unwrap();
        let named = |orders: &[Order]| -> Vec<(u16, Vec<Digest>)> {
            let one = |order: &Order| (order.at.index, order.parts.clone());
            orders.iter().map(one).collect()
        };
        let (first, third) = (Digest([1; 32]), Digest([3; 32]));
        assert_eq!(named(&all), [(0, vec![first]), (3, vec![third])]);
        let one = orders(&found(), &[third], &basis(), "1").unwrap();
        assert_eq!(named(&one), [(3, vec![third])]);
        for wrong in [Digest([2; 32]), Digest([9; 32])] {
            let failure = orders(&found(), &[first, wrong], &basis(), "1").unwrap_err();
            assert_eq!(failure.code, Code::Usage);
        }
    }

    #[test]
    fn an_event_id_is_one_segment_of_a_path() {
        assert_eq!(encoded("urn:e/1?a b"), "urn%3Ae%2F1%3Fa%20b");
    }
}
