//! What is typical of the generated shop, and where each figure comes from.
//!
//! *CJ*: "Complete Journey 2.0" by 84.51° (CC0), as the R package `completejourney` publishes it; a
//! random sample of 75,000 till lines of 2017 in 47,216 baskets of 293 supermarkets was evaluated.
//! *OR*: "Online Retail", UCI Machine Learning Repository (D. Chen, 2015, CC BY 4.0); the 244,956
//! lines of its first seven months, which are those of a wholesaler and not of a till. *Ours*: no
//! source; chosen so that it can be seen in a short run. The figures are statistics; no row of
//! either set is here.

/// Baskets begun in each local hour from midnight, per mille. CJ, whose times are UTC, moved by
/// the five hours of its stores' zone.
pub const HOUR_BASKETS_PER_MILLE: [u64; 24] = [
    5, 3, 2, 1, 1, 3, 7, 13, 22, 38, 55, 69, 71, 75, 78, 89, 102, 103, 87, 71, 49, 31, 17, 8,
];

/// How many lines in 1000 ring up 1, 2, 3… of an article. CJ: 79.9 %, 14.6 %, 2.8 %, 1.5 %,
/// 0.45 %, 0.37 %, 0.05 %, 0.1 %, and 0.1 % of ten.
pub const QUANTITY_PER_MILLE: [(i64, u64); 9] = [
    (1, 800),
    (2, 146),
    (3, 28),
    (4, 15),
    (5, 4),
    (6, 4),
    (7, 1),
    (8, 1),
    (10, 1),
];

/// Small baskets, per cent. CJ as a whole has 1,469,307 lines (its documentation); thinning a
/// mixture of two geometric sizes by 75,000 of them gives the sample's share of baskets with 1, 2,
/// 3, 4… lines (65.2, 20.9, 8.2, 3.4 %) to within half a point with these three figures.
pub const SMALL_BASKETS_PER_CENT: u64 = 40;
/// Mean lines of a small basket, in tenths. See [`SMALL_BASKETS_PER_CENT`].
pub const SMALL_BASKET_LINES_TENTHS: u64 = 25;
/// Mean lines of a large basket, in tenths. See [`SMALL_BASKETS_PER_CENT`].
pub const LARGE_BASKET_LINES_TENTHS: u64 = 140;
/// The most lines of one basket. Ours: the tail above is one basket in 3,000.
pub const BASKET_LINES_MAX: u64 = 120;

/// Lines that come back, per mille of all. OR: 4,494 of 244,956 (1.8 %); CJ has no returns.
pub const RETURN_LINES_PER_MILLE: u64 = 18;

/// Lines whose barcode nobody knows, per mille. Ours.
pub const UNKNOWN_LINES_PER_MILLE: u64 = 4;
/// How many different unknown articles there are. Ours: few, so that each is met again.
pub const UNKNOWN_CODES: u64 = 12;

/// How the popularity of articles falls with their rank: rank^(-this/10). CJ: the first 1 % of the
/// articles make 20.4 % of the lines, 10 % make 50.1 %, 20 % make 64.4 %; 0.7 gives 21.8, 47.9 and
/// 60.0 % there.
pub const POPULARITY_TENTHS: u32 = 7;

/// Articles with a barcode in the generated catalogue. Ours: a small food market.
pub const BARCODED_ITEMS: u64 = 1_400;
/// Opening stock of an article, in pieces or kilograms. Ours: a shelf and its back stock.
pub const OPENING_UNITS: (u64, u64) = (24, 240);

/// The weight of a piece of weighed goods, in grams. Ours: a bag of fruit to a roast.
pub const WEIGHT_G: (u64, u64) = (120, 1_900);

/// One department: its group, its share of the lines, and what a unit costs there.
#[derive(Clone, Copy, Debug)]
pub struct Department {
    /// The item group.
    pub group: &'static str,
    /// Lines in 10,000. CJ; fuel, cosmetics and departments below 0.3 % are left out.
    pub lines_per_10_000: u64,
    /// 5, 25, 50, 75 and 95 % of the unit prices before discounts, in cents. CJ.
    pub price_cents: [u64; 5],
    /// How many of its articles are weighed. Ours.
    pub weighed_items: u64,
    /// How many have no barcode and a key at the till. Ours.
    pub keyed_items: u64,
    /// Words to name articles with. Ours.
    pub words: &'static [&'static str],
}

/// The departments.
pub const DEPARTMENTS: [Department; 7] = [
    Department {
        group: "grocery",
        lines_per_10_000: 6_321,
        price_cents: [52, 129, 199, 299, 559],
        weighed_items: 0,
        keyed_items: 0,
        words: &[
            "Pasta",
            "Rice",
            "Oat flakes",
            "Honey",
            "Tea",
            "Coffee",
            "Milk",
            "Butter",
            "Yoghurt",
            "Eggs",
            "Flour",
            "Sugar",
            "Juice",
            "Water",
            "Crackers",
            "Soup",
            "Beans",
            "Olive oil",
            "Mustard",
            "Jam",
            "Bread",
            "Cereal",
            "Chocolate",
            "Biscuits",
            "Tomatoes",
            "Cheese",
        ],
    },
    Department {
        group: "household",
        lines_per_10_000: 1_059,
        price_cents: [50, 100, 249, 399, 999],
        weighed_items: 0,
        keyed_items: 0,
        words: &[
            "Soap",
            "Shampoo",
            "Toothpaste",
            "Sponges",
            "Candles",
            "Batteries",
            "Paper towels",
            "Washing powder",
            "Plasters",
            "Cat food",
            "Foil",
            "Light bulb",
        ],
    },
    Department {
        group: "produce",
        lines_per_10_000: 1_015,
        price_cents: [50, 99, 199, 299, 488],
        weighed_items: 24,
        keyed_items: 5,
        words: &[
            "Apples", "Pears", "Carrots", "Onions", "Grapes", "Salad", "Peppers", "Lemons",
        ],
    },
    Department {
        group: "meat",
        lines_per_10_000: 768,
        price_cents: [176, 309, 439, 579, 1_160],
        weighed_items: 14,
        keyed_items: 0,
        words: &["Chicken", "Ham", "Sausages", "Mince", "Bacon", "Turkey"],
    },
    Department {
        group: "deli",
        lines_per_10_000: 289,
        price_cents: [150, 279, 377, 537, 799],
        weighed_items: 10,
        keyed_items: 0,
        words: &["Olives", "Hummus", "Salami", "Feta", "Antipasti"],
    },
    Department {
        group: "bakery",
        lines_per_10_000: 142,
        price_cents: [50, 150, 249, 399, 799],
        weighed_items: 0,
        keyed_items: 6,
        words: &["Roll", "Croissant", "Rye loaf", "Muffin", "Pretzel", "Cake"],
    },
    Department {
        group: "health",
        lines_per_10_000: 128,
        price_cents: [99, 169, 250, 349, 499],
        weighed_items: 0,
        keyed_items: 0,
        words: &["Muesli bar", "Soy drink", "Seeds", "Herbal tea"],
    },
];
