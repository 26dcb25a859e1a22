//! Who signs, on the command line.

use super::compose::Voice;
use super::keys::{self, Request};
use crate::commands::keygen::parse_handle;
use crate::commands::verify::now;
use crate::exit::Failure;
use clap::Args as ClapArgs;
use ledger::ids::Handle;
use ledger::signature::SigningKey;
use std::path::PathBuf;

/// The key that signs, and for whom.
#[derive(Debug, ClapArgs)]
pub(crate) struct SignerArgs {
    /// The key file that signs.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// On whose behalf: a handle. Without it, the one in FILE.request.json. A delegate names its
    /// principal.
    #[arg(id = "as", long = "as", value_name = "HANDLE", value_parser = parse_handle, allow_hyphen_values = true)]
    handle: Option<Handle>,
}

/// A key at hand, and whose it is.
#[derive(Debug)]
pub(crate) struct Signing {
    pub(crate) key: SigningKey,
    pub(crate) handle: Handle,
}

impl SignerArgs {
    /// Reads the key.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn read(&self) -> Result<Signing, Failure> {
        let key = keys::read(&self.key)?;
        let handle = match self.handle {
            Some(handle) => handle,
            None => {
                Request::read(&Request::path(&self.key))
                    .map_err(|failure| failure.remedy("name the participant with --as HANDLE"))?
                    .handle
            }
        };
        Ok(Signing { key, handle })
    }
}

impl Signing {
    /// Speaks to the log of `origin`, now.
    pub(crate) fn voice<'a>(&'a self, origin: &'a str) -> Voice<'a> {
        Voice {
            key: &self.key,
            handle: self.handle,
            origin,
            now: now(),
        }
    }
}
