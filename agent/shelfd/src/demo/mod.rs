//! `shelfd demo`: a whole store on this machine, and the proof that nothing is lost.
//!
//! One process holds a broker, a hub, a WAN that can be cut, two PCs and three tills with simulated
//! devices. It replays invoices through them and at the end compares what the simulators saw with
//! the documents that the hub's API returns. Every figure that it prints was measured in that run.
//! It must never correct its own record by what the system under test says.

mod arguments;
mod audit;
mod clerk;
mod facts;
mod goods;
mod lag;
mod pace;
mod pos;
mod prepare;
mod record;
mod replay;
mod report;
mod screen;
mod wan;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shelf_sim::shop::files::{self, Rows, Sales};
use shelf_sim::shop::{Dice, Shop};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

pub(crate) use arguments::DemoArguments;
use audit::{AtHub, compare, drain, read_hub};
use clerk::Clerk;
use goods::GoodsByCode;
use pace::Pace;
use pos::Pos;
use record::Record;
use replay::{Closing, Queue, Source, run_pos, start_clerk};
use report::Outcome;
use screen::{Key, Screen};
use world::{Plan, World};

use crate::cli::Failure;
use crate::config::{LogSettings, LogTarget};
use crate::platform::{self, MonoClock};

/// Threads of the runtime: the machine that this is shown on has at least two cores.
const WORKER_THREADS: usize = 2;
/// When the WAN is cut and restored in a run of a given duration, in per cent of it.
const WAN_CUT_PER_CENT: (u32, u32) = (35, 60);

/// Runs the demo.
pub(crate) fn run(arguments: DemoArguments, json: bool) -> Result<(), Failure> {
    let log = LogSettings { target: LogTarget::Console, filter: arguments.log.clone() };
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
        None => Some(tempfile::Builder::new().prefix("shelfd-demo-").tempdir().map_err(Failure::new)?),
    };
    let folder = arguments.data.clone();
    let folder = folder.or_else(|| temporary.as_ref().map(|it| it.path().to_owned()));
    let folder: PathBuf = folder.unwrap_or_default();
    platform::files::private_folder(&folder).map_err(Failure::new)?;
    let (shop, queue, item_rows) = shop(arguments)?;
    let clock = MonoClock::start();
    let pace = Pace::new(arguments.pace());
    let plan = Plan {
        folder: &folder,
        measure_templates: shop.measure_templates.clone(),
        pace,
        usual_ports: arguments.duration.is_none(),
        clock,
    };
    let world = World::start(&plan).await.map_err(Failure::new)?;
    for (name, url) in ["PC 1", "PC 2"].into_iter().zip(world.urls()) {
        eprintln!("{name}: {url}");
    }
    let run = Run { arguments, world, shop, queue, item_rows, clock, pace };
    let (said, well) = run.through().await?;
    match json {
        true => println!("{}", said.0),
        false => println!("{}", said.1),
    }
    if well {
        return Ok(());
    }
    Err(Failure::new("the hub does not have everything exactly once")
        .hint("`differences` and `troubles_named` of --json say what"))
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
    shop: Shop,
    queue: Queue,
    item_rows: Rows,
    clock: MonoClock,
    pace: Pace,
}

impl Run<'_> {
    /// From opening to the last comparison.
    async fn through(mut self) -> Result<(Said, bool), Failure> {
        let client = platform::http_client().map_err(Failure::new)?;
        prepare::open_shop(&self.world, &self.shop, &client).await.map_err(Failure::new)?;
        drain(&self.world).await.map_err(Failure::new)?;
        let hub = self.world.hub_url();
        let before = read_hub(&client, &hub).await.map_err(Failure::new)?;
        let record = Arc::new(Record::default());
        let opened = self.clock.millis();
        self.trade(&record, &client).await?;
        let open_ms = self.clock.millis().saturating_sub(opened);
        self.world.wan.set(true);
        let drained = drain(&self.world).await;
        if let Err(error) = &drained {
            eprintln!("{error}");
        }
        let at_hub: AtHub = read_hub(&client, &hub).await.map_err(Failure::new)?;
        let difference = compare(&record, &self.world.tills, &at_hub, &before);
        let mut rows = self.queue.rows();
        rows.bad += self.item_rows.bad;
        rows.no_goods += self.item_rows.no_goods;
        let outcome = Outcome {
            record: &record,
            world: &self.world,
            at_hub: &at_hub,
            difference: &difference,
            rows,
            all_acked: drained.is_ok(),
            open_ms,
        };
        let said = (outcome.json().to_string(), outcome.text());
        let well = outcome.is_well();
        self.world.stop().await;
        Ok((said, well))
    }

    /// Opens the doors until the time is up, somebody stops it, or the customers run out.
    async fn trade(&mut self, record: &Arc<Record>, client: &reqwest::Client) -> Result<(), Failure> {
        let (close, closed) = watch::channel(false);
        let (empty, mut is_empty) = watch::channel(false);
        let closing = Closing { closed: closed.clone(), empty };
        let clerks = self.clerks(record, client);
        let dice = |part| Dice::new(self.arguments.seed, part);
        let mut threads = Vec::new();
        for (part, clerk) in (100..).zip(clerks) {
            let thread = start_clerk(clerk, self.queue.clone(), closing.clone(), dice(part));
            threads.push(thread.map_err(Failure::new)?);
        }
        let pos = self.pos(record, client)?;
        let pos = tokio::spawn(run_pos(pos, self.pace, self.queue.clone(), closing));
        let (keys, keyboard) = screen::keys(closed);
        self.watch(record, client, keys, &mut is_empty).await?;
        close.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().chain(keyboard).all(|it| it.join().is_ok())
        });
        let all_well = joined.await.unwrap_or(false) & pos.await.is_ok();
        if !all_well {
            record.counts.broken.up();
            record.trouble("a simulator panicked: report this with the log around it".into());
        }
        Ok(())
    }

    /// Draws, takes keys and cuts the WAN on time.
    async fn watch(
        &self,
        record: &Record,
        client: &reqwest::Client,
        mut keys: tokio::sync::mpsc::Receiver<Key>,
        is_empty: &mut watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let title = format!("{}: 2 PCs, 3 tills, {} items", world::STORE, self.shop.goods.len());
        let mut screen = Screen::new(self.clock, client.clone(), title);
        let mut draw = tokio::time::interval(screen.every());
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::new)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::new)?;
        let part = |per_cent| self.arguments.duration.map(|it| it * per_cent / 100);
        let from = tokio::time::Instant::now();
        let at = |after: Option<Duration>| async move {
            match after {
                Some(after) => tokio::time::sleep_until(from + after).await,
                None => std::future::pending().await,
            }
        };
        let (cut, restored) = (at(part(WAN_CUT_PER_CENT.0)), at(part(WAN_CUT_PER_CENT.1)));
        let over = at(self.arguments.duration);
        tokio::pin!(cut, restored, over);
        let (mut is_cut, mut is_restored) = (false, false);
        loop {
            tokio::select! {
                _ = draw.tick() => screen.draw(&self.world, record).await,
                () = &mut cut, if !is_cut => {
                    is_cut = true;
                    self.world.wan.set(false);
                }
                () = &mut restored, if !is_restored => {
                    is_restored = true;
                    self.world.wan.set(true);
                }
                () = &mut over => return Ok(()),
                Some(key) = keys.recv() => match key {
                    Key::Wan => self.world.wan.toggle(),
                    Key::Quit => return Ok(()),
                },
                _ = is_empty.wait_for(|it| *it) => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    fn clerks(&mut self, record: &Arc<Record>, client: &reqwest::Client) -> Vec<Clerk> {
        let urls = self.world.urls();
        let mut clerks = Vec::new();
        for (part, till) in (10..).zip(&mut self.world.tills) {
            let (Some(pc), Some(lag), Some(url)) =
                (self.world.pcs.get(till.pc), self.world.lags.get(till.pc), urls.get(till.pc))
            else {
                continue;
            };
            let counters = pc.shop.counters.values();
            let counter = counters.into_iter().find(|it| it.till().as_str() == till.name);
            let (Some(counter), Some(scanner)) = (counter, till.scanner.take()) else { continue };
            clerks.push(Clerk {
                till: till.name.to_owned(),
                counter: counter.clone(),
                scanner,
                terminal: till.terminal.clone(),
                takes_cash: till.takes_cash,
                url: format!("{url}/api/v1/tills/{}", till.name),
                client: client.clone(),
                runtime: tokio::runtime::Handle::current(),
                clock: self.clock,
                pace: self.pace,
                record: record.clone(),
                lag: lag.clone(),
                dice: Dice::new(self.arguments.seed, part),
                last: None,
            });
        }
        clerks
    }

    fn pos(&self, record: &Arc<Record>, client: &reqwest::Client) -> Result<Pos, Failure> {
        let (till, pc) = world::POS;
        let (Some(url), Some(lag)) = (self.world.urls().get(pc).cloned(), self.world.lags.get(pc))
        else {
            return Err(Failure::new("the existing POS has no PC"));
        };
        Ok(Pos {
            till: till.to_owned(),
            url: format!("{url}/api/v1/sales"),
            client: client.clone(),
            record: record.clone(),
            lag: lag.clone(),
            goods: Arc::new(GoodsByCode::new(&self.shop)),
            dice: Dice::new(self.arguments.seed, 20),
            run: platform::wall_now().as_millis().to_string(),
            reports: 0,
            sabotage: self.arguments.sabotage,
        })
    }
}
