//! Acts of the registry: one statement signed, submitted, and reported. Shared by the commands
//! for participants, delegates, products, places and re-codings.

use crate::client::keys;
use crate::client::ledger::{Target, send_one};
use crate::client::random::Random;
use crate::client::signer::SignerArgs;
use crate::exit::Failure;
use crate::output::Console;
use crate::text;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args as ClapArgs;
use ledger::cbor::Map;
use ledger::registry::Action;
use std::path::PathBuf;

/// Who says it, and where to.
#[derive(Debug, ClapArgs)]
pub(crate) struct ActArgs {
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    /// Key files of others who consent: a second signature, or other authorities'. May be
    /// repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) approve: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Signs an act with its records, submits it, and reports its receipt.
///
/// # Errors
/// [`Failure`].
pub(crate) fn act(
    args: &ActArgs,
    console: Console,
    action: Action,
    records: Vec<Map>,
) -> Result<(), Failure> {
    let signing = args.signer.read()?;
    let ledger = args.target.open(console)?;
    let word = action.word();
    let voice = signing.voice(ledger.origin());
    let approving = args
        .approve
        .iter()
        .map(|path| keys::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let statement = voice.act_with(action, records, &approving, &mut Random::default())?;
    let (leaf, receipt) = send_one(&*ledger, &statement.encode())?;
    if console.json {
        return console.value(&serde_json::json!({
            "act": word,
            "leaf": leaf.0,
            "receipt": STANDARD.encode(receipt),
        }));
    }
    console.line(format_args!(
        "{word}: {} {leaf}",
        console.lang.pick(text::RECORDED_AT)
    ))
}
