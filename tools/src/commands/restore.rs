//! `suyuan restore`: a data directory made of a mirror, where the log's own is lost.

use crate::client::ledger::{open_failure, with_source};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use crate::trust;
use clap::Args as ClapArgs;
use ledger::checkpoint::Checkpoint;
use ledger::signature::Signer as _;
use ledger::store::{Store as _, View as _};
use ledger_rocks::{Options, RocksStore};
use node::config::{key_path, policy_path, settings_path};
use node::durable::replace;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Make a data directory out of a mirror's copy.
///
/// Entries, tree, checkpoints, effects, state and all bodies that the mirror has come back. What it
/// was not given stays away, personal parts above all: restore `part.keys` and bodies from a backup
/// where there is one. The log's key is yours to bring. The directory says that it is restored:
/// its node reads, and signs nothing, until a quorum of witnesses has answered that they saw nothing
/// after it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  suyuan restore --from mirror --dir data --log-key log.key --public-url https://trace.example.cn")]
pub(crate) struct Args {
    /// The mirror's directory, which nobody has open.
    #[arg(long)]
    from: PathBuf,
    /// The data directory to make.
    #[arg(long)]
    dir: PathBuf,
    /// The log's key file.
    #[arg(long, value_name = "FILE")]
    log_key: PathBuf,
    /// The node's public address; that under which it was mirrored without it.
    #[arg(long)]
    public_url: Option<String>,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let mut settings = node::read_settings(&args.from).map_err(|error| open_failure(&error))?;
    if let Some(url) = &args.public_url {
        settings = settings
            .with_public_url(url.clone())
            .map_err(Failure::usage)?;
    }
    let policy = trust::read(&policy_path(&args.from))?;
    let key = node::keys::read(&args.log_key)
        .map_err(|error| Failure::new(Code::Usage, with_source(&error)))?;
    let known = policy.log_of_origin(settings.origin());
    if known.is_none_or(|log| log.key.public_key() != key.public_key()) {
        let what = format!(
            "{} is not the key of {}",
            args.log_key.display(),
            settings.origin()
        );
        return Err(Failure::usage(what).remedy(
            "bring the key with which this log signs, from its backup; no other continues it",
        ));
    }
    if args.dir.exists() {
        let what = format!("{} is there already", args.dir.display());
        return Err(Failure::usage(what).remedy("name a directory that is not there"));
    }
    let store = RocksStore::open_copy(&args.from, settings.origin(), Options::default())
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?;
    let head = store.view().head()?;
    let head = head.filter(|head| {
        Checkpoint::verify(&head.checkpoint, settings.origin(), key.public_key()).is_ok()
    });
    let Some(head) = head else {
        let what = format!(
            "{} ends where the log signed no checkpoint",
            args.from.display()
        );
        return Err(Failure::new(Code::Stale, what)
            .remedy("let it catch up first, or restore from another mirror"));
    };
    // First the doubt, then what it is about: a restore that is cut off does not sign either.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&args.dir)
        .map_err(|error| Failure::file(&args.dir, &error))?;
    let why = format!("restored from a mirror, at {} leaves", head.size());
    node::unconfirm(&args.dir, &why).map_err(|error| Failure::file(&args.dir, &error))?;
    store.copy_without_head(&args.dir)?;
    let secret = std::fs::read(&args.log_key)
        .map(zeroize::Zeroizing::new)
        .map_err(|error| Failure::file(&args.log_key, &error))?;
    let write = |path: &Path, bytes: &[u8]| {
        replace(path, bytes, 0o600).map_err(|error| Failure::file(path, &error))
    };
    write(&key_path(&args.dir), &secret)?;
    write(&policy_path(&args.dir), policy.to_string().as_bytes())?;
    write(&settings_path(&args.dir), settings.to_toml().as_bytes())?;
    if console.json {
        return console.value(&serde_json::json!({
            "log": settings.origin(),
            "dir": args.dir,
            "treeSize": head.size().0,
            "state": head.state.to_string(),
        }));
    }
    console.say(text::RESTORED)?;
    console.line(format_args!(
        "  {}: {}",
        console.lang.pick(text::TREE_SIZE),
        head.size()
    ))
}
