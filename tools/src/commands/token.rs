//! `suyuan token`: a short word that proves to a node who asks.

use crate::client::keys::Request;
use crate::client::signer::SignerArgs;
use crate::exit::Failure;
use crate::output::Console;
use clap::Args as ClapArgs;
use ledger::ids::UnixMillis;
use ledger::time::format_utc;
use ledger::token::LIFE_MAX_S;

/// Print a token that proves to a node who asks.
///
/// It is signed by your registered key, for one log, and holds for 15 minutes at most; whoever has
/// it reads in your name until then. Send it as `Authorization: Bearer TOKEN`. Commands that need
/// one make it themselves from --key.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan token --key farm.key
  curl -H \"Authorization: Bearer $(suyuan token --key farm.key)\" http://127.0.0.1:8080/events")]
pub(crate) struct Args {
    #[command(flatten)]
    signer: SignerArgs,
    /// The log it is for: the first line of its checkpoint. Without it, the one in
    /// FILE.request.json.
    #[arg(long)]
    origin: Option<String>,
    /// How long it holds, seconds.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=LIFE_MAX_S))]
    life: u64,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let signing = args.signer.read()?;
    let origin = match &args.origin {
        Some(origin) => origin.clone(),
        None => {
            Request::read(&Request::path(args.signer.file()))
                .map_err(|failure| failure.remedy("name the log with --origin"))?
                .origin
        }
    };
    let token = signing.token(&origin, args.life);
    if !console.json {
        return console.line(token.text);
    }
    let expires_ms = i64::try_from(token.claims.expires_s.saturating_mul(1000));
    console.value(&serde_json::json!({
        "token": token.text,
        "handle": token.claims.issuer,
        "origin": origin,
        "expires": format_utc(UnixMillis(expires_ms.unwrap_or(i64::MAX))),
    }))
}
