//! `suyuan recode`: the same goods under a new code.

use super::act::{ActArgs, act};
use crate::exit::Failure;
use crate::output::Console;
use clap::Args as ClapArgs;
use ledger::cbor::Map;
use ledger::identifier::scan;
use ledger::registry::Action;

/// Declare an old and a new code the same goods, as their holder.
///
/// Provinces give codes anew at their first station; either code then leads to the one chain.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  suyuan recode urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007 \\
      '(01)06909818001019(10)K7' --key shop.key")]
pub(crate) struct Args {
    /// The code so far, in any spelling.
    old: String,
    /// The code from now on: one of your own.
    new: String,
    #[command(flatten)]
    act: ActArgs,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let canonical = |code: &str| {
        let scanned = scan(code).map_err(|error| Failure::malformed(format!("{code}: {error}")))?;
        Ok::<String, Failure>(scanned.identifier.to_string())
    };
    let (old, new) = (canonical(&args.old)?, canonical(&args.new)?);
    let record: Map = [("old", old.as_str()), ("new", new.as_str())]
        .into_iter()
        .collect();
    act(&args.act, console, Action::Recode, vec![record])
}
