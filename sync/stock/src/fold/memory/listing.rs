//! Everything in memory, for dumps, verification and the list of exceptions.

use super::{
    BindRow, CloseRow, CountRow, Digest, DuplicateRow, FoldListing, GroupRow, ItemId, Location,
    MemoryFold, MissingDocument, Movement, MovementRow, OrderFactRow, OrderKey, Place, Quantity,
    SourceKey, Step, StepsRow, UnboundRow, VoidRow,
};

impl FoldListing for MemoryFold {
    fn all_closed(&self) -> Result<Vec<(Place, Digest)>, MissingDocument> {
        Ok(self.closed_ends().collect())
    }

    fn all_groups(&self) -> Result<Vec<GroupRow>, MissingDocument> {
        Ok(self.groups.iter().cloned().collect())
    }

    fn all_sources(&self) -> Result<Vec<(SourceKey, Place)>, MissingDocument> {
        let sources = self.sources.iter();
        Ok(sources.map(|(key, place)| (key.clone(), *place)).collect())
    }

    fn all_duplicates(&self) -> Result<Vec<DuplicateRow>, MissingDocument> {
        Ok(self.duplicates.iter().cloned().collect())
    }

    fn all_movements(&self) -> Result<Vec<MovementRow>, MissingDocument> {
        let row = |((_, key, _), movement): (&(ItemId, OrderKey, u16), &Movement)| MovementRow {
            key: *key,
            movement: movement.clone(),
        };
        Ok(self.movements.iter().map(row).collect())
    }

    fn all_balances(&self) -> Result<Vec<(ItemId, Location, Quantity)>, MissingDocument> {
        let balances = self.balances.iter();
        let row = |((item, location), quantity): (&(ItemId, Location), &Quantity)| {
            (item.clone(), location.clone(), *quantity)
        };
        Ok(balances.map(row).collect())
    }

    fn all_unbound(&self) -> Result<Vec<UnboundRow>, MissingDocument> {
        Ok(self.unbound.iter().cloned().collect())
    }

    fn all_binds(&self) -> Result<Vec<BindRow>, MissingDocument> {
        Ok(self.binds.iter().cloned().collect())
    }

    fn all_voids(&self) -> Result<Vec<VoidRow>, MissingDocument> {
        Ok(self.voids.iter().cloned().collect())
    }

    fn all_order_facts(&self) -> Result<Vec<OrderFactRow>, MissingDocument> {
        Ok(self.order_facts.iter().cloned().collect())
    }

    fn all_counts(&self) -> Result<Vec<CountRow>, MissingDocument> {
        Ok(self.counts.values().flatten().cloned().collect())
    }

    fn all_closes(&self) -> Result<Vec<CloseRow>, MissingDocument> {
        Ok(self.closes.iter().cloned().collect())
    }

    fn all_steps(&self) -> Result<Vec<StepsRow>, MissingDocument> {
        let row = |((item, location), steps): (&(ItemId, Location), &Vec<Step>)| StepsRow {
            item: item.clone(),
            location: location.clone(),
            steps: steps.clone(),
        };
        Ok(self.steps.iter().map(row).collect())
    }
}
