//! `suyuan keygen`: a key, and the request by which it gets onto a ledger.

use crate::client::keys::{self, Request};
use crate::client::random::Random;
use crate::exit::Failure;
use crate::output::Console;
use crate::text;
use clap::Args as ClapArgs;
use ledger::ids::Handle;
use ledger::signature::Signer as _;
use std::path::PathBuf;

/// Make a signing key.
///
/// The key stays in FILE (mode 0600) and never leaves this machine. With --origin, a request is
/// written beside it, FILE.request.json, for the authority that admits the participant or adds
/// the key: it holds nothing secret.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan keygen farm.key --origin trace.example.cn/chengdu
  suyuan keygen second.key --origin trace.example.cn/chengdu --handle 4EgUvJQ7-OKk9eS4tHtZzQ")]
pub(crate) struct Args {
    /// The file to make.
    file: PathBuf,
    /// The log the key is for: the first line of its checkpoint.
    #[arg(long)]
    origin: Option<String>,
    /// Whose key it is. Without it, a new participant's: a random handle is drawn.
    #[arg(long, allow_hyphen_values = true, value_parser = parse_handle, requires = "origin")]
    handle: Option<Handle>,
}

/// Reads a handle on the command line.
pub(crate) fn parse_handle(text: &str) -> Result<Handle, String> {
    Handle::parse(text).ok_or_else(|| "a handle has 22 base64url characters".to_owned())
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let mut random = Random::default();
    let handle = args.handle.unwrap_or_else(|| random.handle());
    let key = keys::create(&args.file, &mut random)?;
    let id = key.public_key().key_id().to_string();
    let request = args
        .origin
        .as_ref()
        .map(|origin| Request::new(&key, origin, handle));
    let request_path = Request::path(&args.file);
    if let Some(request) = &request {
        request.write(&request_path)?;
    }
    if console.json {
        return console.value(&serde_json::json!({
            "file": args.file,
            "keyId": id,
            "publicKey": hex::encode(key.public_key().as_bytes()),
            "handle": request.as_ref().map(|request| request.handle),
            "request": request.as_ref().map(|_| &request_path),
        }));
    }
    let row =
        |label, value: &str| console.line(format_args!("{}: {value}", console.lang.pick(label)));
    row(text::KEY_MADE, &args.file.display().to_string())?;
    row(text::KEY_ID, &id)?;
    if let Some(request) = request {
        row(text::HANDLE, &request.handle.to_string())?;
        row(text::REQUEST, &request_path.display().to_string())?;
    }
    console.note(console.lang.pick(text::KEY_BACKUP));
    Ok(())
}
