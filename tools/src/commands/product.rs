//! `suyuan product`: master data of products, signed by their owner.

use super::act::{ActArgs, act};
use super::master::MasterArgs;
use crate::exit::Failure;
use crate::output::Console;
use clap::Args as ClapArgs;
use ledger::registry::Action;

/// Record what your products are called: names, specification, net content, storage class, shelf life, required tests.
///
/// A new version replaces none: each event is read by the version of its time.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan product jar.json --key maker.key
  suyuan product --id https://id.gs1.org/01/06909813001010 --zh 红油郫县豆瓣 --en \"Red-oil doubanjiang\" \\\\
      --set netContent=\"1 kg\" --set storageClass=AMBIENT --key maker.key")]
pub(crate) struct Args {
    #[command(flatten)]
    master: MasterArgs,
    #[command(flatten)]
    act: ActArgs,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    act(&args.act, console, Action::Product, args.master.records()?)
}
