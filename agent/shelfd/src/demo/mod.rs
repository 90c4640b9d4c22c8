//! `shelfd demo`: a whole store on this machine, and the proof that nothing is lost.
//!
//! One process holds a broker, a hub, a WAN that can be cut, two PCs and three tills with simulated
//! devices. It replays invoices through them and at the end compares what the simulators saw with
//! the documents that the hub's API returns. Every figure that it prints was measured in that run.
//! It must never correct its own record by what the system under test says.

mod arguments;
mod audit;
mod clerk;
mod day;
mod facts;
mod goods;
mod lag;
mod pace;
mod plate;
mod pos;
mod prepare;
mod record;
mod replay;
mod report;
mod screen;
mod tags;
mod wan;
mod web;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shelf_sim::shop::Shop;
use shelf_sim::shop::files::{self, Rows, Sales};

pub(crate) use arguments::DemoArguments;
use audit::{AtHub, compare, drain, read_hub};
use pace::Pace;
use prepare::PrepareError;
use record::Record;
use replay::{Queue, Source};
use report::Outcome;
use tags::Tags;
use web::WebShop;
use world::{Plan, World};

use crate::cli::Failure;
use crate::config::{LogSettings, LogTarget};
use crate::platform::{self, MonoClock};

/// Threads of the runtime: the machine that this is shown on has at least two cores.
const WORKER_THREADS: usize = 2;

/// Runs the demo.
pub(crate) fn run(arguments: DemoArguments, json: bool) -> Result<(), Failure> {
    let log = LogSettings {
        target: LogTarget::Console,
        filter: arguments.log.clone(),
    };
    crate::daemon::logging::start(&log).map_err(Failure::configuration)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(Failure::new)?;
    let outcome = runtime.block_on(demo(&arguments, json));
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

async fn demo(arguments: &DemoArguments, json: bool) -> Result<(), Failure> {
    let temporary = match arguments.data {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("shelfd-demo-")
                .tempdir()
                .map_err(Failure::new)?,
        ),
    };
    let folder = arguments.data.clone();
    let folder = folder.or_else(|| temporary.as_ref().map(|it| it.path().to_owned()));
    let folder: PathBuf = folder.unwrap_or_default();
    platform::files::private_folder(&folder).map_err(Failure::new)?;
    let (shop, queue, item_rows) = shop(arguments)?;
    let clock = MonoClock::start();
    let pace = Pace::new(arguments.pace());
    let tags = Tags::lay(&shop, arguments.seed).map_err(|it| Failure::new(format!("{it:#}")))?;
    let plan = Plan {
        folder: &folder,
        tags: &tags,
        seed: arguments.seed,
        measure_templates: shop.measure_templates.clone(),
        pace,
        usual_ports: arguments.duration.is_none(),
        clock,
    };
    let world = World::start(&plan).await.map_err(Failure::new)?;
    for (name, url) in ["PC 1", "PC 2"].into_iter().zip(world.urls()) {
        eprintln!("{name}: {url}");
    }
    let run = Run {
        arguments,
        world,
        tags,
        shop,
        queue,
        item_rows,
        clock,
        pace,
    };
    let (said, well) = run.through().await?;
    match json {
        true => println!("{}", said.0),
        false => println!("{}", said.1),
    }
    if well {
        return Ok(());
    }
    Err(
        Failure::new("the hub does not have everything exactly once")
            .hint("`differences` and `troubles_named` of --json say what"),
    )
}

fn shop(arguments: &DemoArguments) -> Result<(Shop, Queue, Rows), Failure> {
    let (Some(items), Some(sales)) = (&arguments.items, &arguments.sales) else {
        let shop = Shop::generated(arguments.seed);
        let source = Source::Generated(Box::new(shop.invoices(arguments.seed)));
        return Ok((shop, Queue::new(source), Rows::default()));
    };
    let (shop, rows) = files::items(items).map_err(Failure::new)?;
    let sales = Sales::open(sales, &shop).map_err(Failure::new)?;
    Ok((shop, Queue::new(Source::File(Box::new(sales))), rows))
}

/// The result as JSON and as text.
type Said = (String, String);

struct Run<'a> {
    arguments: &'a DemoArguments,
    world: World,
    tags: Tags,
    shop: Shop,
    queue: Queue,
    item_rows: Rows,
    clock: MonoClock,
    pace: Pace,
}

impl Run<'_> {
    /// From opening to the last comparison.
    async fn through(mut self) -> Result<(Said, bool), Failure> {
        let client = platform::http_client("http://localhost").map_err(Failure::new)?;
        prepare::open_shop(&self.world, &self.shop, &client)
            .await
            .map_err(Failure::new)?;
        drain(&self.world).await.map_err(Failure::new)?;
        let hub = self.world.hub_url();
        let before = read_hub(&client, &hub).await.map_err(Failure::new)?;
        let record = Arc::new(Record::default());
        let web = self.web_shop(&client).await.map_err(Failure::new)?;
        let opened = self.clock.millis();
        let web = self.trade(&record, &client, web).await?;
        let open_ms = self.clock.millis().saturating_sub(opened);
        self.world.wan.set(true);
        let placed = web.end().await.map_err(Failure::new)?;
        let drained = drain(&self.world).await;
        if let Err(error) = &drained {
            eprintln!("{error}");
        }
        let at_hub: AtHub = read_hub(&client, &hub).await.map_err(Failure::new)?;
        let difference = compare(&record, &self.world.tills, &at_hub, &before);
        let zones = self.zones().await;
        let mut rows = self.queue.rows();
        rows.bad += self.item_rows.bad;
        rows.no_goods += self.item_rows.no_goods;
        let outcome = Outcome {
            record: &record,
            world: &self.world,
            at_hub: &at_hub,
            difference: &difference,
            tags: self.tags.json(&zones),
            web: &placed,
            tags_known: self.tags.are_known(&zones),
            rows,
            all_acked: drained.is_ok(),
            open_ms,
        };
        let said = (outcome.json().to_string(), outcome.text());
        let well = outcome.is_well();
        self.world.stop().await;
        Ok((said, well))
    }

    /// The web shop, with numbers of orders that no earlier run on the same data had.
    async fn web_shop(&self, client: &reqwest::Client) -> Result<WebShop, PrepareError> {
        let run = platform::wall_now().as_millis().to_string();
        WebShop::open(&self.world, &self.shop, client, (self.arguments.seed, run)).await
    }

    /// What the first PC says lies in each room, once that is what was laid there, or after a while.
    async fn zones(&self) -> BTreeMap<String, u64> {
        let count = || -> BTreeMap<String, u64> {
            let zones = self.world.pcs.first().map(|it| it.shop.rfid.summaries());
            let zones = zones.unwrap_or_default().into_iter();
            zones.map(|it| (it.name, it.present)).collect()
        };
        let known = || self.tags.are_known(&count());
        if let Err(error) = prepare::until("the tags", tags::KNOWN_MS_MAX, known).await {
            tracing::warn!(%error, "demo");
        }
        count()
    }
}
