//! `suyuan place`: master data of places, signed by their owner.

use super::act::{ActArgs, act};
use super::master::MasterArgs;
use crate::exit::Failure;
use crate::output::Console;
use clap::Args as ClapArgs;
use ledger::registry::Action;

/// Record what your places are called: names, district, kind.
///
/// A new version replaces none: each event is read by the version of its time.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan place yard.json --key maker.key
  suyuan place --id https://id.gs1.org/414/6909813000013 --zh 晒场 --en \"Fermentation yard\" \\\\
      --set district=510117 --set kind=factory --key maker.key")]
pub(crate) struct Args {
    #[command(flatten)]
    master: MasterArgs,
    #[command(flatten)]
    act: ActArgs,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    act(&args.act, console, Action::Place, args.master.records()?)
}
