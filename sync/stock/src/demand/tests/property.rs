//! What must hold for every rate, window, ratio and history.

use proptest::prelude::*;

use super::table::{MONDAY, at, ppm};
use crate::demand::*;
use crate::quantity::{Quantity, Unit};

#[derive(Clone, Debug)]
enum Step {
    Wait { minutes: i64 },
    Sold { thousandths: i64 },
    Stocked { units: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..30_000_i64).prop_map(|minutes| Step::Wait { minutes }),
        (-500..40_000_i64).prop_map(|thousandths| Step::Sold { thousandths }),
        (-2..5_i64).prop_map(|units| Step::Stocked { units }),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![Just(Unit::Piece), Just(Unit::Kilogram), Just(Unit::Litre)]
}

/// A life of an item, and the time it has reached.
fn lived(unit: Unit, steps: &[Step]) -> (Profile, Demand, ShopTime) {
    let mut profile = Profile::default();
    let calendar = Calendar::default();
    let mut now = MONDAY;
    let mut demand = Demand::new(unit, now);
    for step in steps {
        match step {
            Step::Wait { minutes } => now = now.plus_millis(minutes * 60_000),
            Step::Sold { thousandths } => {
                let quantity = Quantity::thousandths(*thousandths);
                demand.sold(&mut profile, &calendar, now, quantity);
            }
            Step::Stocked { units } => {
                demand.stocked(&mut profile, &calendar, now, Quantity::units(*units));
            }
        }
    }
    (profile, demand, now)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn quantiles_grow_with_rate_window_and_ratio(
        rate in 0_u64..20_000, more_rate in 0_u64..20_000,
        window in 0_u64..50_000_000, longer in 0_u64..50_000_000,
        p in 500_000_u32..999_000, surer in 0_u32..900,
        shape in 200_u64..20_000,
    ) {
        let quantile = |rate, window, p| neg_bin_quantile(rate, shape, window, ppm(p));
        let base = quantile(rate, window, p);
        prop_assert!(base <= quantile(rate + more_rate, window, p));
        prop_assert!(base <= quantile(rate, window + longer, p));
        prop_assert!(base <= quantile(rate, window, p + surer));
        // Far enough out, doubt costs units; nearer the median it need not.
        let sure = ppm(995_000);
        let poisson = poisson_quantile(rate, window, sure);
        prop_assert!(poisson <= neg_bin_quantile(rate, shape, window, sure));
        let silent = staleness_haircut(rate, window, ExposureWindow::default(), ppm(p), Quantity::ZERO);
        let longer = staleness_haircut(rate, window + longer, ExposureWindow::default(), ppm(p), Quantity::ZERO);
        prop_assert!(silent <= longer);
    }

    #[test]
    fn a_history_is_its_row(steps in prop::collection::vec(step(), 0..60), unit in unit()) {
        let (profile, demand, _) = lived(unit, &steps);
        let row = demand.to_bytes();
        prop_assert!(row.len() <= 300, "{} bytes", row.len());
        prop_assert_eq!(Demand::from_bytes(&row).unwrap(), demand);
        let row = profile.to_bytes();
        prop_assert!(row.len() <= 2_000, "{} bytes", row.len());
        prop_assert_eq!(Profile::from_bytes(&row).unwrap(), profile);
    }

    #[test]
    fn damaged_rows_are_told(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0_usize..60) {
        // Either is fine; neither may panic.
        for made in [Demand::from_bytes(&bytes).is_ok(), Profile::from_bytes(&bytes).is_ok()] {
            prop_assert!(!made || !bytes.is_empty());
        }
        let (profile, demand, _) = lived(Unit::Piece, &[Step::Sold { thousandths: 5_000 }]);
        let row = demand.to_bytes();
        let cut = cut.min(row.len() - 1);
        let damaged = matches!(Demand::from_bytes(&row[..cut]), Err(DemandRowError::Damaged { .. }));
        prop_assert!(damaged);
        let mut longer = profile.to_bytes();
        longer.push(0);
        let damaged = matches!(Profile::from_bytes(&longer), Err(DemandRowError::Damaged { .. }));
        prop_assert!(damaged);
        let later = matches!(Demand::from_bytes(&[9]), Err(DemandRowError::Format { found: 9, known: 1 }));
        prop_assert!(later);
    }

    /// When and how often somebody looks changes nothing.
    #[test]
    fn looking_is_free(steps in prop::collection::vec(step(), 1..30), looks in prop::collection::vec(0..5_000_i64, 0..6)) {
        let (mut profile, mut demand, now) = lived(Unit::Piece, &steps);
        let calendar = Calendar::default();
        let in_stock = Quantity::units(i64::from(demand.in_stock()));
        let (mut often, mut often_profile) = (demand.clone(), profile.clone());
        let mut minutes: Vec<i64> = looks;
        minutes.sort_unstable();
        for minute in minutes {
            let then = now.plus_millis(minute * 60_000);
            often.forecast(&often_profile, &calendar, then, then.plus_millis(HOUR_MS));
        }
        let end = now.plus_millis(5_000 * 60_000);
        demand.stocked(&mut profile, &calendar, end, in_stock);
        often.stocked(&mut often_profile, &calendar, end, in_stock);
        prop_assert_eq!(often, demand);
        prop_assert_eq!(often_profile, profile);
    }

    #[test]
    fn what_is_forecast_is_a_distribution(steps in prop::collection::vec(step(), 0..60), unit in unit(), p in 1_000_u32..999_000) {
        let (profile, demand, now) = lived(unit, &steps);
        let end = ExposureWindow { order_to_pick_ms: 7_200_000, ..ExposureWindow::default() }.end(profile.week(), now);
        let forecast = demand.forecast(&profile, &Calendar::default(), now, end);
        let error = BookError { lost_per_day_millionths: 30_000, days_since_count: 50 };
        let plain = forecast.quantile(ppm(p), BookError::NONE);
        prop_assert!(plain <= forecast.quantile(ppm(p), error));
        prop_assert!(plain <= forecast.quantile(ppm(p + 1_000), BookError::NONE));
        prop_assert!(plain >= Quantity::ZERO);
        let both = forecast.quantiles(&[ppm(p), ppm(p + 1_000)], error);
        prop_assert_eq!(both[0], (forecast.quantile(ppm(p), error), forecast.at_most(both[0].0, error)));
        prop_assert_eq!(both[1].0, forecast.quantile(ppm(p + 1_000), error));
        // The quantile is the least quantity that is enough.
        prop_assert!(forecast.at_most(plain, BookError::NONE).as_ppm() + 1 >= p);
        let less = plain.minus(Quantity::thousandths(1));
        prop_assert!(forecast.at_most(less, BookError::NONE).as_ppm() <= p + 1);
    }

    #[test]
    fn forgetting_forgets(steps in prop::collection::vec(step(), 0..60), p in 500_000_u32..990_000) {
        let (profile, demand, now) = lived(Unit::Piece, &steps);
        let (mut aged, calendar) = (profile.clone(), Calendar::default());
        let mut old = demand.clone();
        let later = now.plus_millis(3_000 * DAY_MS);
        old.stocked(&mut aged, &calendar, later, Quantity::ZERO);
        let evidence = old.forecast(&aged, &calendar, later, later.plus_millis(HOUR_MS));
        prop_assert!(evidence.figures().evidence_sales_milli <= 501, "{:?}", evidence.figures());
        prop_assert!(evidence.quantile(ppm(p), BookError::NONE) <= Quantity::units(5_000));
    }
}

#[test]
fn an_exposure_window_is_its_parts() {
    let window = ExposureWindow {
        capture_lag_ms: 1,
        link_ms: 20,
        hub_commit_ms: 300,
        channel_lag_ms: 4_000,
        trolley_ms: 50_000,
        order_to_pick_ms: 600_000,
    };
    assert_eq!(
        (window.lag_ms(), window.working_ms(), window.total_ms()),
        (4_321, 650_000, 654_321)
    );
    let week = Profile::default().week().clone();
    assert_eq!(window.end(&week, at(0, 9)), at(0, 9).plus_millis(654_321));
}
