//! stub
use crate::{hash::Digest, ids::TreeSize, signature::{PublicKey, Signer}};
/// stub
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stub")]
pub struct CheckpointError;
/// stub
#[derive(Clone, Debug)]
pub struct Checkpoint { /// o
 pub origin: String, /// s
 pub size: TreeSize, /// r
 pub root: Digest }
impl Checkpoint {
 /// stub
 pub fn sign(&self, _s: &dyn Signer) -> String { String::new() }
 /// stub
 pub fn verify(_n: &str, _o: &str, _k: &PublicKey) -> Result<Self, CheckpointError> { Err(CheckpointError) }
}
