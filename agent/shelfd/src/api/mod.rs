//! The local HTTP surface: pages, live streams and the JSON API, on one listener.
//!
//! Handlers only translate: they ask the ledger on blocking threads, hand inputs to the tills and
//! records to the writer, and put the answer into words. Every route stands in one table, which a
//! test compares with the OpenAPI description; [`guard`] stands before all of them.

mod badges;
mod compare;
mod counting;
mod devices;
mod documents;
mod explain;
mod fields;
mod guard;
mod import;
mod inbox;
mod live;
mod live_orders;
mod lookups;
mod metrics;
mod observations;
mod openapi;
mod opening;
mod orders;
mod problem;
mod rfid;
mod sales;
mod sites;
mod stock;
mod takes;
mod till;
mod weigh;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use shelf_ledger::tables::TableError;
use tokio::sync::Semaphore;

use crate::daemon::shop::Shop;
use crate::daemon::status_board::StatusBoard;
use guard::Guard;
use problem::Problem;

/// Live streams at the same time; a page that gets none still works by reloading.
pub(crate) const STREAMS_MAX: usize = 64;

/// What handlers share.
pub(crate) struct Web {
    shop: Arc<Shop>,
    board: StatusBoard,
    streams: Arc<Semaphore>,
    guard: Guard,
}

type Site = axum::extract::State<Arc<Web>>;
type Answer<T> = Result<T, Problem>;

macro_rules! routes {
    ($($method:ident $path:literal => $handler:path;)*) => {
        /// Every route, for the comparison with the OpenAPI description.
        #[cfg(test)]
        const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path),)*];

        fn routes() -> Router<Arc<Web>> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

routes! {
    get "/" => sites::status;
    get "/till/{name}" => sites::till;
    post "/till/{name}/act" => till::act_of_page;
    post "/till/{name}/weigh" => weigh::of_page;
    get "/count" => sites::count;
    get "/orders" => sites::orders;
    get "/devices" => sites::devices;
    get "/rfid" => rfid::page;
    get "/stock/{item}" => sites::stock;
    get "/static/{file}" => sites::asset;
    get "/events/status" => live::status;
    get "/events/till/{name}" => live::till;
    get "/events/count" => live::count;
    get "/events/devices" => devices::pictures;
    get "/events/orders" => live_orders::orders;
    get "/events/rfid" => rfid::pictures;
    get "/api/v1/status" => stock::status;
    get "/api/v1/stock" => stock::search;
    get "/api/v1/stock/{item}" => stock::item;
    get "/api/v1/stock/{item}/explain" => explain::item;
    get "/api/v1/compare" => compare::last;
    post "/api/v1/compare" => compare::now;
    get "/api/v1/orders" => orders::list;
    post "/api/v1/orders/{id}/{step}" => orders::step;
    post "/api/v1/takes" => takes::take;
    get "/api/v1/items" => stock::items;
    post "/api/v1/items" => import::items;
    post "/api/v1/opening" => opening::opening;
    get "/api/v1/tills/{name}" => till::view;
    post "/api/v1/tills/{name}" => till::act_of_program;
    post "/api/v1/tills/{name}/weigh" => weigh::of_program;
    get "/api/v1/tills/{name}/beside" => till::beside;
    post "/api/v1/tills/{name}/beside" => till::try_beside;
    post "/api/v1/counts" => counting::count;
    post "/api/v1/adjustments" => counting::adjust;
    post "/api/v1/bind" => counting::bind;
    get "/api/v1/unknown" => counting::unknown;
    get "/api/v1/documents" => documents::list;
    post "/api/v1/sales" => sales::sale;
    get "/api/v1/devices" => devices::list;
    post "/api/v1/devices/rescan" => devices::rescan;
    get "/api/v1/devices/events" => devices::events;
    get "/api/v1/devices/{name}/journal" => devices::journal;
    post "/api/v1/devices/{name}/test" => devices::test;
    get "/api/v1/badges" => badges::list;
    post "/api/v1/badges" => badges::enrol;
    post "/api/v1/badges/forget" => badges::forget;
    get "/api/v1/observations" => observations::list;
    post "/api/v1/observations" => observations::take;
    get "/api/v1/rfid/zones" => rfid::zones;
    get "/api/v1/rfid/epcis" => rfid::epcis;
    post "/api/v1/rfid/reads" => rfid::reads;
    get "/api/v1/rfid/counts" => rfid::counts;
    get "/api/v1/rfid/counts/{session}" => rfid::count;
    post "/api/v1/rfid/counts/{session}" => rfid::count_step;
    get "/api/v1/inbox" => inbox::list;
    post "/api/v1/inbox/{id}/resolve" => inbox::resolve;
    get "/healthz" => metrics::health;
    get "/metrics" => metrics::metrics;
    get "/openapi.json" => openapi::file;
    post "/demo/wan" => sites::wan;
}

/// Everything that this PC answers.
pub(crate) fn router(shop: Arc<Shop>) -> Router {
    let limit = shop.config.http.request_bytes_max;
    let web = Arc::new(Web {
        board: StatusBoard::new(shop.clone()),
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        guard: Guard::new(&shop.config.http),
        shop,
    });
    routes()
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(limit))
        .layer(middleware::from_fn_with_state(web.clone(), guard::layer))
        .with_state(web)
}

async fn nothing_here() -> Problem {
    Problem::missing("there is no such page").hint("the pages begin at /")
}

async fn wrong_method() -> Problem {
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(
        status,
        "method-not-allowed",
        "this address is not used this way",
    )
    .hint("/openapi.json lists what there is")
}

impl Web {
    /// Runs something that waits for the disk outside the async threads.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Shop) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let web = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&web.shop)).await;
        done.unwrap_or_else(|_| Err(Problem::inside("a request panicked: see the log")))
    }

    /// Reads the ledger outside the async threads.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&shelf_ledger::Read<'_>) -> Result<T, TableError> + Send + 'static,
    ) -> Answer<T> {
        self.blocking(|shop| Ok(shop.readers.with(read)?)).await
    }
}
