//! The node as inbound HTTP sees it.

use crate::node::Node;
use api::service::{CosignError, NotSigning, Notice, Service, SubmitError, Submitted};
use ledger::access::record::{ReadRecord, Reads};
use ledger::check::Attested;
use ledger::hash::Digest;
use ledger::ids::{Handle, LeafIndex, UnixMillis};
use ledger::provenance::Answer;
use ledger::provenance::across::Chain;
use ledger::signature::PublicKey;
use ledger::store::{Store, StoreError};
use ledger::witness::{AddCheckpoint, Cosignature, Refusal};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl<S: Store + 'static> Service for Node<S> {
    type Store = S;

    fn store(&self) -> &S {
        Self::store(self)
    }

    async fn submit(&self, statement: Vec<u8>) -> Result<Submitted, SubmitError> {
        Self::submit(self, statement).await
    }

    async fn submit_many(&self, statements: Vec<Vec<u8>>) -> Vec<Result<Submitted, SubmitError>> {
        Self::submit_many(self, statements).await
    }

    fn receipt(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        Self::receipt(self, leaf)
    }

    fn attest(&self, answer: &Attested) -> Vec<u8> {
        Self::attest(self, answer)
    }

    fn record_reads(&self, reads: Reads) -> Result<(), StoreError> {
        Self::record_reads(self, reads)
    }

    fn read_records(&self, from: u64, limit: usize) -> Result<Vec<ReadRecord>, StoreError> {
        Self::read_records(self, from, limit)
    }

    fn with_cosignatures(&self, checkpoint: String) -> String {
        Self::with_cosignatures(self, checkpoint)
    }

    fn witnessed_checkpoint(&self) -> Option<String> {
        Self::witnessed_checkpoint(self)
    }

    fn witness_checkpoint(&self, checkpoint: &str) -> Option<String> {
        Self::witness_checkpoint(self, checkpoint)
    }

    fn cosign(&self, request: AddCheckpoint) -> Result<Cosignature, CosignError> {
        match self.witness() {
            Some(witness) => witness.cosign(request),
            None => {
                let origin = request.checkpoint.claim().origin.clone();
                Err(Refusal::OriginUnknown { origin }.into())
            }
        }
    }

    fn latest_cosigned(&self, origin_hash: &Digest) -> Option<String> {
        self.witness()?.latest(origin_hash)
    }

    fn origin(&self) -> &str {
        self.settings().origin()
    }

    fn public_url(&self) -> &str {
        self.settings().public_url()
    }

    fn region(&self) -> &str {
        self.settings().region()
    }

    fn log_key(&self) -> &PublicKey {
        Self::log_key(self)
    }

    fn policy(&self) -> String {
        Self::policy(self).to_owned()
    }

    fn verifiers(&self) -> &[String] {
        self.settings().verifiers()
    }

    fn now(&self) -> UnixMillis {
        self.clock().wall()
    }

    fn sign_notice(&self, kind: ledger::feed::Kind, payload: Vec<u8>) -> Vec<u8> {
        Self::sign_notice(self, kind, payload)
    }

    fn notices(&self, case: &str) -> BTreeMap<Handle, Notice> {
        let all = self.deliveries();
        let mine = all.iter().filter(|((other, _), _)| other == case);
        mine.map(|((_, holder), notice)| (*holder, *notice))
            .collect()
    }

    fn follow(&self, answer: &mut Answer) -> Result<(), StoreError> {
        Self::follow(self, answer)
    }

    fn open_bundles(&self, chain: &Chain) -> Result<Vec<Arc<[u8]>>, StoreError> {
        Self::open_bundles(self, chain)
    }

    fn ready(&self) -> bool {
        self.is_ready()
    }

    fn not_signing(&self) -> Option<NotSigning> {
        Self::not_signing(self)
    }

    fn metrics(&self) -> String {
        self.metrics_text()
    }

    fn observe_request(&self, route: &'static str, status: u16, took: Duration) {
        Self::metrics(self).request(route, status, took);
    }
}
