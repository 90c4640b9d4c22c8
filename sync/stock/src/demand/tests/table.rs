//! One line, one number: values of the quantiles were computed with SciPy's `poisson.ppf` and
//! `nbinom.ppf`, the rest by hand.

use std::collections::BTreeMap;

use crate::demand::*;
use crate::money::Money;
use crate::name::ChannelId;
use crate::quantity::{Quantity, Unit};
use crate::sellable::Coefficient;

/// A Monday, midnight.
pub(super) const MONDAY: ShopTime = ShopTime::from_millis(4 * DAY_MS);

pub(super) fn at(day: i64, hour: i64) -> ShopTime {
    MONDAY.plus_millis(day * DAY_MS + hour * HOUR_MS)
}

pub(super) fn ppm(ppm: u32) -> Ratio {
    Ratio::ppm(ppm).unwrap()
}

#[test]
fn poisson_as_scipy_says() {
    for (rate_per_hour_milli, window_ms, p, units) in [
        (500, 7_200_000, 950_000, 3),
        (500, 7_200_000, 999_000, 5),
        (1_000, 3_600_000, 500_000, 1),
        (12_345, 10_800_000, 990_000, 52),
        (250_000, 14_400_000, 950_000, 1052),
        (0, 32_400_000, 990_000, 0),
        (40, 86_400_000, 800_000, 2),
        (3_600, 900_000, 999_900, 6),
    ] {
        let ours = poisson_quantile(rate_per_hour_milli, window_ms, ppm(p));
        assert_eq!(
            ours,
            Quantity::units(units),
            "{rate_per_hour_milli} {window_ms} {p}"
        );
    }
}

#[test]
fn negative_binomial_as_scipy_says() {
    for (rate_per_hour_milli, shape_milli, window_ms, p, units) in [
        (500, 500, 7_200_000, 950_000, 4),
        (500, 2_000, 7_200_000, 990_000, 5),
        (1_000, 100, 3_600_000, 900_000, 3),
        (12_000, 3_000, 9_000_000, 975_000, 74),
        (100_000, 1_500, 28_800_000, 950_000, 2085),
        (100, 50_000, 36_000_000, 950_000, 3),
        (20, 800, 14_400_000, 999_000, 2),
        (7_000, 250, 3_600_000, 999_900, 183),
    ] {
        let ours = neg_bin_quantile(rate_per_hour_milli, shape_milli, window_ms, ppm(p));
        assert_eq!(
            ours,
            Quantity::units(units),
            "{rate_per_hour_milli} {shape_milli} {p}"
        );
    }
}

#[test]
fn costs_decide_how_sure_to_be() {
    for (over, hide, p) in [
        (1900, 100, 950_000),
        (100, 100, 500_000),
        (0, 100, 0),
        (100, 0, 999_900),
        (0, 0, 950_000),
        (-5, -5, 950_000),
        (300, 100, 750_000),
    ] {
        assert_eq!(
            newsvendor(Money::minor(over), Money::minor(hide)),
            ppm(p),
            "{over} {hide}"
        );
    }
    assert!(Ratio::ppm(1_000_001).is_err());
}

#[test]
fn a_silent_store_is_cut_by_what_it_may_have_sold() {
    let window = ExposureWindow {
        order_to_pick_ms: 3_600_000,
        ..ExposureWindow::default()
    };
    let cut = |silent_ms, floor| {
        staleness_haircut(
            2_000,
            silent_ms,
            window,
            ppm(950_000),
            Quantity::units(floor),
        )
    };
    // NegBin(2, mean 2, 4, 18): 6, 11, 44 at 95 %
    for (silent_hours, floor, units) in [
        (0, 0, 6),
        (1, 0, 11),
        (8, 0, 44),
        (8, 40, 4),
        (8, 50, 0),
        (0, -3, 9),
    ] {
        let got = cut(silent_hours * 3_600_000, floor);
        assert_eq!(
            got,
            Quantity::units(units),
            "{silent_hours} h, {floor} left"
        );
    }
}

#[test]
fn the_larger_safety_stock_and_the_smaller_share_count() {
    let channel = |name: &str| ChannelId::new(name).unwrap();
    let share = |per_mille| Coefficient::per_mille(per_mille).unwrap();
    let policy = |units, shares: &[(&str, u16)]| Policy {
        safety_stock: Quantity::units(units),
        coefficients: shares
            .iter()
            .map(|it| (channel(it.0), share(it.1)))
            .collect(),
    };
    let hub = policy(2, &[("web", 800), ("market", 500)]);
    let store = policy(5, &[("web", 300), ("phone", 900)]);
    let both = Policy::effective(&hub, &store);
    assert_eq!(
        both,
        policy(5, &[("web", 300), ("market", 500), ("phone", 900)])
    );
    assert_eq!(both, Policy::effective(&store, &hub));
    assert_eq!(both.sum(), Coefficient::ALL, "1.7 is cut to 1");
    assert_eq!(hub.coefficient(&channel("other")), Coefficient::NONE);
}

#[test]
fn a_short_pick_shuts_until_the_count() {
    for (short, count, shut) in [
        (None, None, false),
        (None, Some(5), false),
        (Some(5), None, true),
        (Some(5), Some(4), true),
        (Some(5), Some(5), false),
        (Some(5), Some(6), false),
    ] {
        assert_eq!(online_shut(short, count), shut, "{short:?} {count:?}");
    }
}

#[test]
fn losses_found_by_counts_make_the_book_doubtful() {
    let mut losses = LossRate::default();
    assert_eq!(losses.per_day_millionths(), 2_000);
    losses.counted(Quantity::units(10), Quantity::units(12), 500);
    assert_eq!(losses.per_day_millionths(), 1_000, "found more is no loss");
    losses.counted(Quantity::units(10), Quantity::units(1), 9_000);
    assert_eq!(losses.per_day_millionths(), 1_000);
    let error = |days| BookError {
        lost_per_day_millionths: 20_000,
        days_since_count: days,
    };
    assert_eq!(error(100).expected(), Quantity::units(2));
    assert_eq!(error(9_999).expected(), error(730).expected());
    assert_eq!(days_between(0, 3 * DAY_MS - 1), 2);
    assert_eq!(days_between(5, 0), 0);
}

/// A shop where an item sells one unit every full hour from 8 to 19, every day, for some weeks.
pub(super) fn steady(weeks: i64, units: i64) -> (Profile, Demand) {
    let mut profile = Profile::default();
    let calendar = Calendar::default();
    let mut demand = Demand::new(Unit::Piece, MONDAY);
    for day in 0..weeks * 7 {
        for hour in 8..20 {
            demand.sold(
                &mut profile,
                &calendar,
                at(day, hour),
                Quantity::units(units),
            );
        }
    }
    (profile, demand)
}

fn near(value: u64, wanted: u64, per_cent: u64) -> bool {
    value.abs_diff(wanted) * 100 <= wanted * per_cent
}

#[test]
fn a_steady_item_is_known_after_some_weeks() {
    let (profile, demand) = steady(12, 3);
    let calendar = Calendar::default();
    let now = at(84, 10);
    let figures = demand
        .forecast(&profile, &calendar, now, at(84, 12))
        .figures();
    assert!(near(figures.sales_per_day_milli, 12_000, 5), "{figures:?}");
    assert!(near(figures.multiplier_per_mille, 2_000, 5), "{figures:?}");
    assert!(
        near(figures.expected.as_thousandths().unsigned_abs(), 6_000, 8),
        "{figures:?}"
    );
    let forecast = demand.forecast(&profile, &calendar, now, at(84, 12));
    assert!(near(forecast.units_per_hour_milli(), 3_000, 8));
    let night = demand
        .forecast(&profile, &calendar, at(84, 22), at(85, 6))
        .figures();
    assert_eq!(night.expected, Quantity::ZERO, "{night:?}");
    let promotion = Calendar(vec![Uplift {
        from: now,
        until: at(85, 0),
        per_mille: 3000,
    }]);
    let promoted = demand
        .forecast(&profile, &promotion, now, at(84, 12))
        .figures();
    assert!(
        near(promoted.multiplier_per_mille, 6_000, 5),
        "{promoted:?}"
    );
}

#[test]
fn an_empty_shelf_teaches_nothing() {
    let calendar = Calendar::default();
    let (mut profile, mut sold_out) = steady(8, 1);
    let mut quiet = sold_out.clone();
    sold_out.stocked(&mut profile, &calendar, at(56, 0), Quantity::ZERO);
    sold_out.sold(&mut profile, &calendar, at(60, 9), Quantity::ONE);
    sold_out.stocked(&mut profile, &calendar, at(84, 0), Quantity::units(9));
    quiet.stocked(&mut profile, &calendar, at(84, 0), Quantity::units(9));
    let rate = |it: &Demand| {
        let forecast = it.forecast(&profile, &calendar, at(84, 8), at(84, 9));
        forecast.figures().sales_per_day_milli
    };
    assert!(near(rate(&sold_out), 12_000, 10), "{}", rate(&sold_out));
    assert!(rate(&quiet) < 8_000, "{}", rate(&quiet));
}

#[test]
fn silence_is_suspicious_when_it_is_long_for_this_item() {
    let calendar = Calendar::default();
    let (profile, demand) = steady(8, 1);
    let asked = |it: &Demand, now| suspicion(it, &profile, &calendar, now, SUSPICIOUS_BELOW);
    assert_eq!(asked(&demand, at(56, 9)), None, "the morning after");
    let suspicion = asked(&demand, at(63, 9)).unwrap();
    assert!(suspicion.likelihood < SUSPICIOUS_BELOW);
    assert!(
        near(suspicion.expected_sales_milli, 85_000, 10),
        "{suspicion:?}"
    );
    let rare = Demand::new(Unit::Piece, at(56, 0));
    assert_eq!(asked(&rare, at(63, 9)), None, "nothing is known of it");
    let mut empty = demand.clone();
    empty.stocked(&mut profile.clone(), &calendar, at(56, 0), Quantity::ZERO);
    assert_eq!(asked(&empty, at(63, 9)), None, "it is known to be gone");
}

#[test]
fn the_record_explains_the_designs_example() {
    let web = ChannelId::new("web").unwrap();
    let (profile, demand) = steady(1, 1);
    let forecast = demand.forecast(&profile, &Calendar::default(), at(7, 0), at(7, 1));
    let policy = |units| Policy {
        safety_stock: Quantity::units(units),
        coefficients: BTreeMap::from([(web.clone(), Coefficient::per_mille(500).unwrap())]),
    };
    let reserved = BTreeMap::from([(web.clone(), Quantity::units(2))]);
    let (hub, store) = (policy(3), policy(1));
    let mut input = ExplainInput {
        unit: Unit::Piece,
        book: Quantity::units(10),
        reserved: &reserved,
        forecast: &forecast,
        window: ExposureWindow {
            capture_lag_ms: 1_500,
            ..ExposureWindow::default()
        },
        ratio: Ratio::DEFAULT,
        error: BookError::NONE,
        hub: &hub,
        store: &store,
        outstanding: Quantity::units(4),
        haircut: Quantity::ZERO,
        shut: false,
    };
    let explain = Explain::new(&input);
    let of_web = &explain.channels[0];
    let shown = (
        explain.usable,
        of_web.sellable,
        of_web.on_hand,
        explain.target,
    );
    let [eight, two, four] = [8, 2, 4].map(Quantity::units);
    assert_eq!(shown, (eight, two, four, four));
    let sentences = explain.sentences();
    let keys: Vec<&str> = sentences.iter().map(|it| it.key).collect();
    let all = [
        "usable",
        "demand",
        "window",
        "safety_stock",
        "rights",
        "channel",
    ];
    assert_eq!(keys, all.map(|it| format!("explain.{it}")));
    let capture = sentences[2]
        .values
        .iter()
        .find(|it| it.0 == "capture_s")
        .unwrap();
    assert_eq!(capture.1, "1.5");
    input.shut = true;
    let shut = Explain::new(&input);
    assert_eq!(
        (shut.target, shut.channels[0].on_hand),
        (two, two),
        "orders stay, nothing more"
    );
}
