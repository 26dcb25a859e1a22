//! `suyuan participant`: who may speak, and with which keys.

use super::act::{ActArgs, act};
use super::keygen::parse_handle;
use crate::client::keys::Request;
use crate::client::registry::{Profile, read_json};
use crate::exit::Failure;
use crate::output::Console;
use clap::{Args as ClapArgs, Subcommand};
use ledger::ids::{Handle, UnixMillis};
use ledger::registry::{Action, NewKey};
use ledger::signature::KeyId;
use std::path::{Path, PathBuf};

/// Days a retired key still counts without --closing: trucks that were offline come home.
const RETIRE_DAYS: i64 = 30;

const DAY_MS: i64 = 86_400_000;

/// Admit participants, amend what is recorded of them, and keep their keys.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan participant admit --profile farm.json --request farm.key.request.json --key authority.key
  suyuan participant suspend 4EgUvJQ7-OKk9eS4tHtZzQ --key authority.key
  suyuan participant revoke-key 3f…64 hex digits… --suspect-from 2026-11-01T00:00:00+08:00 \\
      --key authority.key --node https://trace.example.cn")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Admit a participant with its profile and first key.
    Admit {
        /// The profile, JSON: name, uscc, roles, district, glns, prefixes, licences, contact.
        #[arg(long)]
        profile: PathBuf,
        /// The key request that the participant made with `suyuan keygen`; may be repeated.
        #[arg(long, required = true)]
        request: Vec<PathBuf>,
        #[command(flatten)]
        act: ActArgs,
    },
    /// Replace what is recorded of a participant, keys apart.
    Amend {
        /// The whole new profile, JSON.
        #[arg(long)]
        profile: PathBuf,
        /// Whose; the profile's own handle without it.
        #[arg(long, value_parser = parse_handle, allow_hyphen_values = true)]
        handle: Option<Handle>,
        #[command(flatten)]
        act: ActArgs,
    },
    /// Stop a participant from saying anything.
    Suspend {
        #[arg(allow_hyphen_values = true, value_parser = parse_handle)]
        handle: Handle,
        #[command(flatten)]
        act: ActArgs,
    },
    /// End a suspension.
    Reinstate {
        #[arg(allow_hyphen_values = true, value_parser = parse_handle)]
        handle: Handle,
        #[command(flatten)]
        act: ActArgs,
    },
    /// Add a key; it counts from the next statement on.
    AddKey {
        /// The new key's request.
        #[arg(long)]
        request: PathBuf,
        #[command(flatten)]
        act: ActArgs,
    },
    /// Name the last moment at which a key counts.
    RetireKey {
        /// The key's id: 64 hexadecimal digits.
        #[arg(value_parser = parse_key_id)]
        key_id: KeyId,
        /// The last moment, by the ledger's time; in 30 days without it.
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        closing: Option<UnixMillis>,
        #[command(flatten)]
        act: ActArgs,
    },
    /// End a key at once: lost, leaked or misused.
    RevokeKey {
        /// The key's id: 64 hexadecimal digits.
        #[arg(value_parser = parse_key_id)]
        key_id: KeyId,
        /// Mark what it signed about this moment and later as suspect.
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        suspect_from: Option<UnixMillis>,
        #[command(flatten)]
        act: ActArgs,
    },
}

fn parse_key_id(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text).ok_or_else(|| "a key id has 64 lower-case hexadecimal digits".to_owned())
}

/// Reads a time on the command line.
pub(crate) fn parse_time(text: &str) -> Result<UnixMillis, String> {
    ledger::time::parse(text).ok_or_else(|| "write 2026-11-23T16:00:00+08:00".to_owned())
}

fn read_request(path: &Path) -> Result<(Handle, NewKey), Failure> {
    let request = Request::read(path)?;
    let malformed = || Failure::malformed(format!("{}: not a key request", path.display()));
    Ok((request.handle, request.key().ok_or_else(malformed)?))
}

/// The profile with the one handle that everything agrees on.
fn read_profile(path: &Path, handle: Option<Handle>) -> Result<(Handle, Profile), Failure> {
    let profile = Profile::read(&read_json(path)?)?;
    match (profile.handle, handle) {
        (Some(one), Some(other)) if one != other => Err(Failure::usage(format!(
            "the profile is {one}'s, the request {other}'s"
        ))),
        (Some(handle), _) | (None, Some(handle)) => Ok((handle, profile)),
        (None, None) => Err(Failure::usage("whose profile? name the handle")),
    }
}

pub(crate) fn run(args: Args, console: Console) -> Result<(), Failure> {
    match args.command {
        Command::Admit {
            profile,
            request,
            act: args,
        } => {
            let requests = request
                .iter()
                .map(|path| read_request(path))
                .collect::<Result<Vec<_>, _>>()?;
            let owner = requests.first().map(|(handle, _)| *handle);
            if requests.iter().any(|(handle, _)| Some(*handle) != owner) {
                return Err(Failure::usage(
                    "the key requests are of different participants",
                ));
            }
            let (handle, profile) = read_profile(&profile, owner)?;
            let keys = requests.into_iter().map(|(_, key)| key).collect();
            act(
                &args,
                console,
                profile.admit(handle, keys),
                vec![profile.record],
            )
        }
        Command::Amend {
            profile,
            handle,
            act: args,
        } => {
            let (handle, profile) = read_profile(&profile, handle)?;
            act(&args, console, profile.amend(handle), vec![profile.record])
        }
        Command::Suspend { handle, act: args } => {
            act(&args, console, Action::Suspend(handle), Vec::new())
        }
        Command::Reinstate { handle, act: args } => {
            act(&args, console, Action::Reinstate(handle), Vec::new())
        }
        Command::AddKey { request, act: args } => {
            let (handle, key) = read_request(&request)?;
            act(&args, console, Action::AddKey { handle, key }, Vec::new())
        }
        Command::RetireKey {
            key_id,
            closing,
            act: args,
        } => {
            let in_time = || UnixMillis(super::verify::now().0 + RETIRE_DAYS * DAY_MS);
            let closing = closing.unwrap_or_else(in_time);
            act(
                &args,
                console,
                Action::RetireKey {
                    key: key_id,
                    closing,
                },
                Vec::new(),
            )
        }
        Command::RevokeKey {
            key_id,
            suspect_from,
            act: args,
        } => act(
            &args,
            console,
            Action::RevokeKey {
                key: key_id,
                suspect_from,
            },
            Vec::new(),
        ),
    }
}
