//! `suyuan init`: a new ledger in a new data directory.

use crate::client::keys::{self, Request, new_key};
use crate::client::ledger::{open_failure, with_source};
use crate::client::random::Random;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use clap::Args as ClapArgs;
use ledger::ids::Handle;
use ledger::note::{KeyKind, NoteKey};
use ledger::registry::NewKey;
use ledger::signature::{PublicKey, Signer as _};
use ledger::tlog_policy::TlogPolicy;
use node::config::{key_path, policy_path};
use node::{Founding, Settings};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Found a ledger: its key, its settings, its database, its first authority.
///
/// Without --founder, an authority's key is made in the directory. Move it to where the authority
/// works: the node does not need it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan init --dir data --origin trace.example.cn/chengdu --public-url https://trace.example.cn
  suyuan init --dir data --origin trace.example.cn/chengdu --public-url https://trace.example.cn \\
      --founder a.key.request.json --founder b.key.request.json --threshold 2")]
pub(crate) struct Args {
    /// The data directory to make.
    #[arg(long)]
    dir: PathBuf,
    /// The log's name for ever, host/path: the first line of its checkpoints.
    #[arg(long)]
    origin: String,
    /// The address that codes, receipts and links carry: https://host[/path].
    #[arg(long)]
    public_url: String,
    /// The region, a GB/T 2260 code; also what its authorities may act in.
    #[arg(long, default_value = "5101")]
    region: String,
    /// An authority's key request; may be repeated.
    #[arg(long)]
    founder: Vec<PathBuf>,
    /// How many authorities must sign an act over an authority.
    #[arg(long, default_value_t = 1)]
    threshold: u16,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let settings = Settings::new(
        args.origin.clone(),
        args.public_url.clone(),
        args.region.clone(),
    )
    .map_err(Failure::usage)?;
    make_dir(&args.dir)?;
    let mut made = None;
    let founders = if args.founder.is_empty() {
        let path = args.dir.join("authority.key");
        made = Some(path.clone());
        vec![authority(&path, settings.origin())?]
    } else {
        args.founder
            .iter()
            .map(|path| founder(path, settings.origin()))
            .collect::<Result<_, _>>()?
    };
    let with_region = founders
        .into_iter()
        .map(|(handle, key)| (handle, args.region.clone(), key))
        .collect();
    let founding = Founding {
        founders: with_region,
        threshold: args.threshold,
    };
    node::init(&args.dir, &settings, founding).map_err(|error| open_failure(&error))?;
    let (trust, vkey) = write_trust(&args.dir, settings.origin())?;
    if console.json {
        return console.value(&serde_json::json!({
            "dir": args.dir,
            "origin": settings.origin(),
            "vkey": vkey,
            "authorityKey": made,
            "trust": trust,
        }));
    }
    let row =
        |label, value: &str| console.line(format_args!("{}: {value}", console.lang.pick(label)));
    row(text::FOUNDED, &args.dir.display().to_string())?;
    row(text::LOG, settings.origin())?;
    if let Some(path) = made {
        row(text::AUTHORITY_KEY, &path.display().to_string())?;
    }
    row(text::TRUST_FILE, &trust.display().to_string())?;
    row(text::LOG_KEY, &vkey)
}

/// Makes a directory for secrets.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(dir)
        .map_err(|error| Failure::file(dir, &error))
}

/// The authority's key, made here or by a run that was cut off.
fn authority(path: &Path, origin: &str) -> Result<(Handle, NewKey), Failure> {
    let request_path = Request::path(path);
    if path.exists() && request_path.exists() {
        let (key, request) = (keys::read(path)?, Request::read(&request_path)?);
        return Ok((request.handle, new_key(&key, origin, request.handle)));
    }
    let mut random = Random::default();
    let handle = random.handle();
    let key = keys::create(path, &mut random)?;
    Request::new(&key, origin, handle).write(&request_path)?;
    Ok((handle, new_key(&key, origin, handle)))
}

fn founder(path: &Path, origin: &str) -> Result<(Handle, NewKey), Failure> {
    let request = Request::read(path)?;
    if request.origin != origin {
        let what = format!(
            "{}: made for {}, not for {origin}",
            path.display(),
            request.origin
        );
        return Err(Failure::usage(what));
    }
    let malformed = || Failure::malformed(format!("{}: not a key request", path.display()));
    Ok((request.handle, request.key().ok_or_else(malformed)?))
}

/// Writes the trust file of a ledger into its directory: its path, and the log's verifier key.
pub(crate) fn write_trust(dir: &Path, origin: &str) -> Result<(PathBuf, String), Failure> {
    let key: PublicKey = node::keys::read(&key_path(dir))
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?
        .public_key()
        .clone();
    let key = NoteKey::new(origin, KeyKind::Ed25519, key).map_err(Failure::usage)?;
    let path = policy_path(dir);
    let vkey = key.to_string();
    let policy = TlogPolicy::of_log(key).map_err(Failure::usage)?;
    let text = format!("# Whose word `suyuan verify` takes.\n{policy}");
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    Ok((path, vkey))
}
