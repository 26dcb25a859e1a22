//! Holds, recalls, releases and what holders answer: which records they may have, whose they must
//! be, and which lists they touch. Whether they stop anything is for provenance to find.

use super::{Act, Authority};
use crate::admission::Refusal;
use crate::cbor::Map;
use crate::identifier::Identifier;
use crate::order::{CASES, Done, Order, Release, Response};
use crate::reject::RejectReason;
use crate::state::{ItemRecord, Role, State, StateKey};

impl Authority<'_> {
    /// Checks that the issuer is of those who may stop goods: authorities, and whoever can have
    /// made or had them. Whether it did is for provenance to say, which knows the goods' story.
    fn may_order(&self) -> Result<(), Refusal> {
        if self
            .issuer
            .roles
            .iter()
            .any(|role| role != Role::Laboratory)
        {
            Ok(())
        } else {
            Err(self.forbidden())
        }
    }

    /// Checks that the issuer may end what stands under a case: it opened it, or is an authority.
    /// Which authority has a say there is for provenance to find.
    fn may_end(&self, index: u16, case: &Identifier) -> Result<(), RejectReason> {
        let watches = [Role::Authority, Role::Regulator];
        let official = watches.iter().any(|role| self.issuer.roles.has(*role));
        match case.case_handle() {
            Some(owner) if owner != self.handle && !official => {
                Err(RejectReason::ForeignIdentifier {
                    index,
                    identifier: case.to_string(),
                    owner,
                })
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Act<'_> {
    /// A hold or recall touches the item and the case, which is its opener's own.
    pub(super) fn order(&mut self, by: Authority<'_>, records: &[Map]) -> Result<(), Refusal> {
        by.may_order()?;
        some(records)?;
        let mut case = None;
        for (index, record) in (0_u16..).zip(records) {
            let order = Order::read(record).map_err(|field| malformed(index, field))?;
            if let Some(owner) = order.case.case_handle().filter(|owner| *owner != by.handle) {
                let identifier = order.case.to_string();
                return Err(RejectReason::ForeignIdentifier {
                    index,
                    identifier,
                    owner,
                }
                .into());
            }
            one_case(&mut case, index, &order.case)?;
            self.touch(index, order.item.as_str());
            self.touch(index, order.case.as_str());
        }
        self.touch(0, CASES);
        Ok(())
    }

    /// A release touches the same; it is the opener's, or an authority's.
    pub(super) fn release(
        &mut self,
        state: &mut impl State,
        by: Authority<'_>,
        records: &[Map],
    ) -> Result<(), Refusal> {
        by.may_order()?;
        some(records)?;
        let mut case = None;
        for (index, record) in (0_u16..).zip(records) {
            let release = Release::read(record).map_err(|field| malformed(index, field))?;
            opened(state, index, &release.case)?;
            one_case(&mut case, index, &release.case)?;
            by.may_end(index, &release.case)?;
            self.touch(index, release.item.as_str());
            self.touch(index, release.case.as_str());
        }
        self.touch(0, CASES);
        Ok(())
    }

    /// A response touches the case alone: a consumer's answer does not grow with it.
    pub(super) fn respond(
        &mut self,
        state: &mut impl State,
        by: Authority<'_>,
        records: &[Map],
    ) -> Result<(), Refusal> {
        some(records)?;
        for (index, record) in (0_u16..).zip(records) {
            let response = Response::read(record).map_err(|field| malformed(index, field))?;
            opened(state, index, &response.case)?;
            if response.what == Done::Closed {
                by.may_end(index, &response.case)?;
            }
            // Who has the goods is for nobody else to read off an open list.
            self.touch_whole(index, response.case.as_str());
        }
        Ok(())
    }
}

const fn malformed(index: u16, field: &'static str) -> RejectReason {
    RejectReason::RecordInvalid { index, field }
}

/// A statement's orders are one case's, so that its first record says which.
fn one_case(
    case: &mut Option<Identifier>,
    index: u16,
    found: &Identifier,
) -> Result<(), RejectReason> {
    if case.get_or_insert_with(|| found.clone()) == found {
        Ok(())
    } else {
        Err(malformed(index, "case"))
    }
}

/// An order without a record would stop nothing, and say that it did.
fn some(records: &[Map]) -> Result<(), RejectReason> {
    if records.is_empty() {
        return Err(malformed(0, "id"));
    }
    Ok(())
}

/// Checks that something was ordered under this case before.
fn opened(state: &mut impl State, index: u16, case: &Identifier) -> Result<(), Refusal> {
    let list: Option<ItemRecord> = state.load(StateKey::item(case.as_str()))?;
    if list.is_some() {
        return Ok(());
    }
    let case = case.to_string();
    Err(RejectReason::CaseUnknown { index, case }.into())
}
