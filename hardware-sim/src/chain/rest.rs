//! What must hold when everything has come to rest: no more faults, every line up, every PC on.

use std::collections::BTreeSet;

use shelf_replica::hub::HubInput;
use shelf_replica::store::Peer;
use shelf_stock::fold::memory::MemoryFold;
use shelf_stock::identity::{Digest, NodeId, Place};
use shelf_stock::location::Location;
use shelf_wire::sealed::Authored;

use super::disk::Disk;
use super::mutant::Mutant;
use super::pc::Cut;
use super::violation::{Violation, hold};
use super::world::World;

/// So long may it take until everybody has everything (I15), in rounds of [`ROUND_MS`].
const ROUNDS_MAX: u32 = 40;
const ROUND_MS: u64 = 20_000;
/// What was sent before everything healed has arrived after so long.
const IN_FLIGHT_MS_MAX: u64 = 20_000;
/// Orders take so many rounds at most.
const SERVE_ROUNDS_MAX: u32 = 30;

impl<D: Disk> World<D> {
    /// Heals everything, waits, and checks.
    pub(super) fn rest(&mut self) -> Result<(), Violation> {
        self.acts_left = 0;
        self.calm()?;
        self.retire_twins()?;
        self.settle("I15")?;
        self.finish_orders()?;
        self.check_rest()?;
        self.last_count()?;
        self.settle("I15")?;
        self.check_shelves()
    }

    /// Everybody works until every order is at its end.
    fn finish_orders(&mut self) -> Result<(), Violation> {
        for shop in 0..self.shops.len() {
            // What the marketplace has sold is told before it confirms that it sells no more.
            self.ask_again(shop)?;
            self.close_market(shop)?;
        }
        // Before anybody writes again what a disk lost, everybody has what the others know.
        self.settle("I15")?;
        for _ in 0..SERVE_ROUNDS_MAX {
            let mut busy = false;
            (0..self.shops.len()).try_for_each(|shop| self.spoil_records(shop))?;
            for shop in 0..self.shops.len() {
                self.reconcile(shop)?;
                self.ask_again(shop)?;
                self.change_all(shop)?;
                self.pay_all(shop)?;
                let skipped = self.mutant == Some(Mutant::ReconcileSkipped);
                if self.shops[shop].hub_went_back && !skipped {
                    self.tell_all(shop)?;
                }
                busy |= self.serve_all(shop)?;
            }
            self.run_for(ROUND_MS)?;
            if !busy && self.check_orders().is_ok() {
                return self.settle("I15");
            }
        }
        self.check_orders()?;
        let todo = self.todo(0, 0)?;
        Err(Violation::of("I15", format!("orders never end: {todo:?}")))
    }

    /// Channels were told that the hub went back: they give it all that they know.
    fn tell_all(&mut self, shop: usize) -> Result<(), Violation> {
        let known = self.shops[shop].wishes.iter();
        let known: Vec<(String, bool, bool)> = known
            .map(|(id, it)| (id.clone(), it.confirmed, it.cancelled))
            .collect();
        for (id, confirmed, cancelled) in known {
            if cancelled {
                self.ask_to_cancel(shop, &id)?;
            } else if confirmed {
                self.ask(shop, &id)?;
            }
        }
        Ok(())
    }

    fn ask_again(&mut self, shop: usize) -> Result<(), Violation> {
        let wishes = self.shops[shop].wishes.iter();
        let open = wishes.filter(|(_, it)| !it.confirmed && !it.refused);
        for id in open.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.ask(shop, &id)?;
        }
        Ok(())
    }

    fn calm(&mut self) -> Result<(), Violation> {
        self.calm = true;
        (self.swarm.loss_percent, self.swarm.doubling_percent) = (0, 0);
        self.swarm.delay_ms_max = 20;
        self.start_hub()?;
        for shop in 0..self.shops.len() {
            self.shops[shop].wan = Cut::None;
            self.shops[shop].lan_cut = false;
            for pc in 0..self.shops[shop].pcs.len() {
                let machine = &mut self.shops[shop].pcs[pc];
                (machine.cut, machine.slow_ms, machine.clock_ms) = (Cut::None, 0, 0);
                self.start(shop, pc)?;
            }
            self.relink_all(shop)?;
        }
        Ok(())
    }

    /// People were told that a disk was cloned: the copy delivers what it wrote, alone and with
    /// the operator's leave, and is switched off.
    fn retire_twins(&mut self) -> Result<(), Violation> {
        for shop in 0..self.shops.len() {
            let real = self.shops[shop].pcs_real;
            for pc in real..self.shops[shop].pcs.len() {
                let id = self.shops[shop].pcs[pc].id;
                self.connect_only(shop, id, Some(pc))?;
                self.run_for(IN_FLIGHT_MS_MAX)?;
                self.tell_hub(shop, HubInput::Forgive { node: id })?;
                self.relink_all(shop)?;
                self.run_for(8 * ROUND_MS)?;
                let twin = &mut self.shops[shop].pcs[pc];
                (twin.gone, twin.on) = (true, false);
                (twin.link_up, twin.lan_up, twin.wake_at_ms) = (false, false, None);
                self.run_for(IN_FLIGHT_MS_MAX)?;
                self.tell_hub(shop, HubInput::Forgive { node: id })?;
                self.connect_only(shop, id, None)?;
            }
        }
        Ok(())
    }

    /// Of several PCs with one identity only this one is connected; all that are there if none is
    /// named.
    fn connect_only(
        &mut self,
        shop: usize,
        id: NodeId,
        only: Option<usize>,
    ) -> Result<(), Violation> {
        for pc in 0..self.shops[shop].pcs.len() {
            let machine = &mut self.shops[shop].pcs[pc];
            if machine.id == id && !machine.gone {
                let may = only.is_none_or(|it| it == pc);
                machine.kicked_until_ms = if may { 0 } else { u64::MAX };
                self.relink(shop, pc)?;
            }
        }
        Ok(())
    }

    fn run_for(&mut self, ms: u64) -> Result<(), Violation> {
        let until_ms = self.now_ms + ms;
        while self.step(until_ms)? {}
        Ok(())
    }

    /// Waits until nothing differs, but not for ever.
    pub(super) fn settle(&mut self, invariant: &str) -> Result<(), Violation> {
        let mut left = None;
        for _ in 0..ROUNDS_MAX {
            self.run_for(ROUND_MS)?;
            left = self.differences()?;
            if left.is_none() {
                return Ok(());
            }
        }
        Err(Violation::of(
            invariant,
            format!("still not at rest: {}", left.unwrap_or_default()),
        ))
    }

    /// What still differs between the stores; nothing once all are equal and know it.
    pub(super) fn differences(&self) -> Result<Option<String>, Violation> {
        for place in &self.shops {
            let all = place.hub_disk.documents()?;
            for pc in place.pcs.iter().filter(|it| !it.gone) {
                let has = pc.disk.documents()?;
                if has != all {
                    let (id, has, all) = (pc.id.short(), has.len(), all.len());
                    return Ok(Some(format!("{id} has {has} documents, the hub {all}")));
                }
                let unsynced = pc.disk.read(|store| {
                    for state in store.logs()?.into_iter().filter(|it| it.log.node == pc.id) {
                        if store.cursor(Peer::Hub, state.log)? != state.upto {
                            return Ok(Some(state.log));
                        }
                    }
                    Ok(None)
                })?;
                if let Some(log) = unsynced {
                    let id = pc.id.short();
                    return Ok(Some(format!("{id} doesn't know that the hub has {log:?}")));
                }
            }
        }
        Ok(None)
    }

    /// Nothing is lost but what was on a disk alone, and everybody counts the same.
    fn check_rest(&mut self) -> Result<(), Violation> {
        for shop in 0..self.shops.len() {
            let place = &self.shops[shop];
            let held = place.hub_disk.documents()?;
            let places: BTreeSet<Place> = held.iter().map(|it| it.0).collect();
            for (at, digest) in &place.written {
                if !held.contains(&(*at, *digest)) {
                    hold(!places.contains(at), "I7", || {
                        format!("{at} is another document")
                    })?;
                    hold(place.at_risk.contains(at), "I8", || format!("{at} is lost"))?;
                }
            }
            for at in &places {
                hold(place.written.contains_key(at), "I7", || {
                    format!("nobody wrote {at}")
                })?;
            }
            self.check_folds(shop, &held)?;
        }
        Ok(())
    }

    /// I9, I10: any order of arrival gives the same bytes as the order of writing and its reverse.
    fn check_folds(&self, shop: usize, held: &BTreeSet<(Place, Digest)>) -> Result<(), Violation> {
        let place = &self.shops[shop];
        let kept = place.documents.iter().rev();
        let kept = kept.filter(|it| held.contains(&(it.place(), it.digest())));
        let mut fold = MemoryFold::new();
        for sealed in kept {
            if let Ok(authored) = Authored::open(sealed.clone()) {
                shelf_stock::fold::apply(&mut fold, authored.document())
                    .map_err(Violation::storage)?;
            }
        }
        let expected = fold.dump();
        let verified = shelf_stock::fold::verify(&fold).map_err(Violation::storage)?;
        hold(verified.is_empty(), "I0", || format!("{verified:?}"))?;
        for (who, disk) in place
            .pcs
            .iter()
            .filter(|it| !it.gone)
            .map(|it| (it.id.short(), &it.disk))
            .chain([("the hub".to_owned(), &place.hub_disk)])
        {
            let dump = disk.dump()?;
            hold(dump == expected, "I10", || {
                format!(
                    "{who} counts differently:\n{}",
                    difference(&expected, &dump)
                )
            })?;
        }
        Ok(())
    }

    /// Books are what lies there, where nothing happened that only a count can mend.
    fn last_count(&mut self) -> Result<(), Violation> {
        for shop in 0..self.shops.len() {
            self.check_books(shop, |place, item| !place.doubtful[item])?;
        }
        // Clocks were wrong by up to some hours: count after the latest time that anybody wrote.
        self.now_ms += 24 * 3_600_000;
        // What was due in that time comes before the count, not at the same moment.
        self.run_for(2_000)?;
        for shop in 0..self.shops.len() {
            let items: Vec<usize> = (0..self.items.len()).collect();
            for place in [Location::SalesFloor, Location::Staging] {
                self.count_items(shop, 0, &items, (&place, true))?;
            }
        }
        Ok(())
    }

    fn check_shelves(&mut self) -> Result<(), Violation> {
        for shop in 0..self.shops.len() {
            self.check_books(shop, |_, _| true)?;
        }
        Ok(())
    }

    fn check_books(
        &self,
        shop: usize,
        sure: impl Fn(&super::shop::Shop<D>, usize) -> bool,
    ) -> Result<(), Violation> {
        let place = &self.shops[shop];
        for (number, item) in self.items.iter().enumerate() {
            if !sure(place, number) {
                continue;
            }
            let book = place.hub_disk.read(|store| store.book(item))?;
            let here = place.physical.here(number);
            hold(book.as_thousandths() == here * 1000, "shelf", || {
                format!("the book of {item} says {book}, there are {here}")
            })?;
        }
        Ok(())
    }
}

fn difference(expected: &str, found: &str) -> String {
    let lines = expected.lines().zip(found.lines());
    let first = lines.into_iter().find(|(one, other)| one != other);
    first.map_or_else(
        || "one is longer".to_owned(),
        |(one, other)| format!("- {one}\n+ {other}"),
    )
}
