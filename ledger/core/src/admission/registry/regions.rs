//! Acts about other regions: whose logs are believed, and what is taken over from them.

use super::{Act, Refusal};
use crate::admission::events;
use crate::cbor::Map;
use crate::ids::Handle;
use crate::region::{IMPORTS_MAX, ITEM, ImportError, Region, import_item, read_import};
use crate::registry::Action;
use crate::reject::RejectReason;
use crate::state::{EventRecord, RegionRecord, State, StateKey};
use crate::tlog_policy::TlogPolicy;

impl Act<'_> {
    /// Whom this ledger believes is everyone's to know.
    pub(super) fn region(&mut self, records: &[Map]) -> Result<(), Refusal> {
        if records.is_empty() {
            return Err(RejectReason::WithoutObject { what: "a region" }.into());
        }
        for (index, record) in (0_u16..).zip(records) {
            let invalid = |field| RejectReason::RecordInvalid { index, field };
            let region = Region::read(record).map_err(invalid)?;
            if region.log == self.moment.origin {
                return Err(invalid("log").into());
            }
            let policy = region.policy.map(|policy| policy.to_string());
            let policy = policy.unwrap_or_default();
            self.set(StateKey::region(&region.log), &RegionRecord { policy });
            self.touch(index, ITEM);
        }
        Ok(())
    }

    /// What is proved by the log of a region that is believed, under a checkpoint with a quorum of
    /// its witnesses. Each participant may rely on an event once.
    pub(super) fn import(
        &mut self,
        state: &mut impl State,
        importer: Handle,
        records: &[Map],
    ) -> Result<(), Refusal> {
        if records.is_empty() {
            return Err(RejectReason::WithoutObject { what: "an event" }.into());
        }
        if records.len() > IMPORTS_MAX {
            return Err(RejectReason::TooMany {
                act: Action::Import.word(),
                found: records.len(),
                limit: IMPORTS_MAX,
            }
            .into());
        }
        for (index, record) in (0_u16..).zip(records) {
            let (log, proof) = read_import(record).map_err(|why| match why {
                ImportError::Field(field) => RejectReason::RecordInvalid { index, field },
                ImportError::Proof(why) => RejectReason::ImportUnproved { index, why },
            })?;
            let region: Option<RegionRecord> = state.load(StateKey::region(log))?;
            // Admission of the region has read its policy before.
            let policy = region.and_then(|region| TlogPolicy::parse(&region.policy).ok());
            let policy = policy.ok_or_else(|| RejectReason::RegionUnknown {
                index,
                log: log.to_owned(),
            })?;
            let (told, _) = proof
                .verify(&policy)
                .map_err(|why| RejectReason::ImportUnproved { index, why })?;
            if told.log != log {
                return Err(RejectReason::RecordInvalid {
                    index,
                    field: "log",
                }
                .into());
            }
            let item = import_item(log, told.at);
            let once = StateKey::import(importer, &item);
            if let Some(EventRecord { leaf, .. }) = state.load(once)? {
                return Err(RejectReason::ImportRepeated { index, leaf }.into());
            }
            if self.is_set(once) {
                let leaf = self.moment.leaf;
                return Err(RejectReason::ImportRepeated { index, leaf }.into());
            }
            let imported = EventRecord {
                leaf: self.moment.leaf,
                index,
                corrected: false,
            };
            self.set(once, &imported);
            self.touch(index, &item);
            events::imported(state, index, told, self.moment.time, &mut self.effects)?;
        }
        Ok(())
    }
}
