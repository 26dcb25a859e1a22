//! Who signs, on the command line.

use super::compose::Voice;
use super::keys::{self, Request};
use crate::commands::keygen::parse_handle;
use crate::commands::verify::now;
use crate::exit::Failure;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args as ClapArgs;
use ledger::ids::Handle;
use ledger::signature::SigningKey;
use ledger::token::{Claims, Token};
use std::path::{Path, PathBuf};

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

/// The key that proves who asks, where anything needs that.
#[derive(Debug, ClapArgs)]
pub(crate) struct AskerArgs {
    /// The key file that proves who asks; without it the node answers as to anyone.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Whose key it is: a handle. Without it, the one in FILE.request.json.
    #[arg(id = "as", long = "as", value_name = "HANDLE", allow_hyphen_values = true, value_parser = parse_handle, requires = "key")]
    handle: Option<Handle>,
}

impl AskerArgs {
    /// Reads the key, if one is named.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn read(&self) -> Result<Option<Signing>, Failure> {
        let key = self.key.as_ref();
        key.map(|key| {
            let signer = SignerArgs {
                key: key.clone(),
                handle: self.handle,
            };
            signer.read()
        })
        .transpose()
    }
}

/// A token, ready to be sent.
#[derive(Debug)]
pub(crate) struct Issued {
    /// What stands after `Authorization: Bearer`.
    pub(crate) text: String,
    /// What it claims.
    pub(crate) claims: Claims,
}

/// A key at hand, and whose it is.
#[derive(Debug)]
pub(crate) struct Signing {
    pub(crate) key: SigningKey,
    pub(crate) handle: Handle,
}

impl SignerArgs {
    /// The key's file.
    pub(crate) fn file(&self) -> &Path {
        &self.key
    }

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
    /// A token for the log of `origin`, from now on and for `life_s` seconds.
    pub(crate) fn token(&self, origin: &str, life_s: u64) -> Issued {
        let issued_s = u64::try_from(now().0 / 1000).unwrap_or_default();
        let claims = Claims {
            issuer: self.handle,
            audience: origin.to_owned(),
            expires_s: issued_s.saturating_add(life_s),
            issued_s,
        };
        let text = URL_SAFE_NO_PAD.encode(Token::issue(&self.key, &claims));
        Issued { text, claims }
    }

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
