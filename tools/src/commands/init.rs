//! `suyuan init`: a new ledger in a new data directory.

use crate::client::keys::{self, Request, new_key};
use crate::client::ledger::{open_failure, with_source};
use crate::client::random::Random;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use crate::trust;
use clap::Args as ClapArgs;
use ledger::checkpoint::SignedCheckpoint;
use ledger::ids::Handle;
use ledger::note::{KeyKind, NoteKey};
use ledger::registry::{NewKey, PREDECESSOR_BYTES_MAX};
use ledger::signature::{PublicKey, Signer as _};
use ledger::tlog_policy::TlogPolicy;
use node::config::{key_path, policy_path};
use node::{Founding, Settings};
use std::io::Read as _;
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
      --founder a.key.request.json --founder b.key.request.json --threshold 2
  suyuan init --dir data2 --origin trace.example.cn/chengdu-2 --public-url https://trace.example.cn \\
      --successor-of data")]
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
    /// The log that this one continues because it may not sign any more: its data directory, which
    /// is closed for good (stop its node first), or a file with its last witnessed checkpoint.
    #[arg(long, value_name = "PATH")]
    successor_of: Option<PathBuf>,
    /// The older log's trust file, where --successor-of names a checkpoint.
    #[arg(long, value_name = "FILE", requires = "successor_of")]
    predecessor_trust: Option<PathBuf>,
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
    let predecessor = predecessor(args)?;
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
        predecessor: predecessor.clone(),
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
            "predecessor": predecessor.as_ref().map(|one| &one.claim().origin),
        }));
    }
    let row =
        |label, value: &str| console.line(format_args!("{}: {value}", console.lang.pick(label)));
    row(text::FOUNDED, &args.dir.display().to_string())?;
    row(text::LOG, settings.origin())?;
    if let Some(one) = &predecessor {
        let (origin, size) = (&one.claim().origin, one.claim().size);
        row(text::CONTINUES, &format!("{origin} ({size})"))?;
    }
    if let Some(path) = made {
        row(text::AUTHORITY_KEY, &path.display().to_string())?;
    }
    row(text::TRUST_FILE, &trust.display().to_string())?;
    row(text::LOG_KEY, &vkey)
}

/// The last checkpoint of the log to be continued, which is closed before its successor is founded:
/// a crash in between leaves no log rather than two.
fn predecessor(args: &Args) -> Result<Option<SignedCheckpoint>, Failure> {
    let Some(path) = &args.successor_of else {
        return Ok(None);
    };
    let found = if path.is_dir() {
        let policy = trust::read(&policy_path(path))?;
        let notes = [node::witnessed_path(path), node::ahead_path(path)];
        let present = notes.iter().filter(|note| note.exists());
        let read = present.map(|note| witnessed(note, &policy));
        let all = read.collect::<Result<Vec<_>, _>>()?;
        // What was signed last counts, also where only one witness has it.
        let last = all.into_iter().max_by_key(|one| one.claim().size);
        last.ok_or_else(|| {
            Failure::usage(format!("{}: no witnessed checkpoint is kept", path.display())).remedy(
                "fetch the log's last checkpoint from a witness, /witness/HASH/checkpoint, and name \
                 that file",
            )
        })?
    } else {
        let trust = args.predecessor_trust.as_ref().ok_or_else(|| {
            Failure::usage("a checkpoint is verified by its log's trust file")
                .remedy("name it with --predecessor-trust")
        })?;
        witnessed(path, &trust::read(trust)?)?
    };
    if found.claim().origin == args.origin {
        return Err(Failure::usage(format!(
            "{} is the log to be continued; its successor needs another origin",
            args.origin
        )));
    }
    if path.is_dir() {
        node::close(path, &args.origin).map_err(|error| Failure::file(path, &error))?;
    }
    Ok(Some(found))
}

/// A checkpoint that its log has signed, and at least one witness of `policy`.
fn witnessed(path: &Path, policy: &TlogPolicy) -> Result<SignedCheckpoint, Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let limit = u64::try_from(PREDECESSOR_BYTES_MAX + 1).unwrap_or(u64::MAX);
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit).read_to_string(&mut text).map_err(failed)?;
    let refused = |why: &dyn std::fmt::Display| {
        Failure::new(Code::Proof, format!("{}: {why}", path.display()))
    };
    if text.len() > PREDECESSOR_BYTES_MAX {
        return Err(refused(&"longer than a founding entry holds"));
    }
    let judged = policy.judge(&text).map_err(|error| refused(&error))?;
    if judged.cosigned.is_empty() {
        return Err(refused(&"no witness of the trust file has cosigned it"));
    }
    SignedCheckpoint::parse(&text).map_err(|error| refused(&error))
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
