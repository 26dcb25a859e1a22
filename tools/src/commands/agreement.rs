//! `suyuan agreement`: what a partner may see of those in an authority's jurisdiction.

use super::act::{ActArgs, act};
use super::keygen::parse_handle;
use super::participant::parse_time;
use crate::exit::Failure;
use crate::output::Console;
use clap::Args as ClapArgs;
use ledger::access::Sight;
use ledger::cbor::{Map, Value};
use ledger::ids::{Handle, UnixMillis};
use ledger::registry::Action;
use ledger::time::format_utc;

/// Record what a partner may see, as an authority.
///
/// A partner is a participant: another region's authority, or its mirror. A later agreement with it
/// replaces this one; one that names nobody ends it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan agreement --partner 4EgUvJQ7-OKk9eS4tHtZzQ --district 5101 --parts confidential \\
      --until 2027-12-31T16:00:00Z --key authority.key
  suyuan agreement --partner 4EgUvJQ7-OKk9eS4tHtZzQ --key authority.key")]
pub(crate) struct Args {
    /// With whom.
    #[arg(long, value_name = "HANDLE", value_parser = parse_handle, allow_hyphen_values = true)]
    partner: Handle,
    /// A participant that it covers; may be repeated.
    #[arg(long, value_name = "HANDLE", value_parser = parse_handle, allow_hyphen_values = true)]
    participant: Vec<Handle>,
    /// A district that it covers: a region-code prefix; may be repeated.
    #[arg(long, value_name = "CODE")]
    district: Vec<String>,
    /// What may be seen: named, confidential or personal.
    #[arg(long, default_value = "named", value_parser = parse_sight)]
    parts: Sight,
    /// The last moment at which it holds.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<UnixMillis>,
    #[command(flatten)]
    act: ActArgs,
}

fn parse_sight(word: &str) -> Result<Sight, String> {
    Sight::parse(word).ok_or_else(|| "named, confidential or personal".to_owned())
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let texts = |items: Vec<String>| items.into_iter().map(Value::from).collect::<Vec<_>>();
    let participants = args.participant.iter().map(ToString::to_string).collect();
    let mut record = Map::default();
    record.insert("partner", args.partner.to_string());
    record.insert("participants", texts(participants));
    record.insert("districts", texts(args.district.clone()));
    record.insert("parts", args.parts.word());
    if let Some(until) = args.until {
        record.insert("until", format_utc(until));
    }
    act(&args.act, console, Action::Agreement, vec![record])
}
