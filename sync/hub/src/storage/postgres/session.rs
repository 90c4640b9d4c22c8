//! One connection to PostgreSQL for a thread that waits for its answers.
//!
//! The wire is asynchronous and the hub's writer is not: each call runs the session's own small
//! runtime until the answer is there. Statements are prepared once per connection. Nothing here
//! may be called inside another runtime's `block_on`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::super::StorageError;
use super::PostgresError;

/// What a statement is given.
pub(super) type Param<'a> = &'a (dyn ToSql + Sync);

/// How long a connection may take.
const CONNECT_TIMEOUT_S: u64 = 5;
/// Said once per connection. The time limits keep a worker that hangs from stopping the others.
const GREETING: &str = "SET client_min_messages = warning; SET statement_timeout = '120s';
    SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '60s';";

/// A statement's values that it owns.
type Owned = Vec<Box<dyn ToSql + Sync + Send>>;

/// Statements that are sent together; their order among each other doesn't matter.
#[derive(Default)]
pub(super) struct Batch(Vec<(&'static str, Owned)>);

impl Batch {
    /// One more statement.
    pub(super) fn add(&mut self, sql: &'static str, params: Owned) {
        self.0.push((sql, params));
    }
}

/// The runtime in which a session waits. Connections of readers may be dropped inside another
/// runtime, where an ordinary drop is not allowed to wait for threads.
struct Waiting(Option<Runtime>);

impl Waiting {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        #[expect(clippy::expect_used, reason = "it is taken only when it is dropped")]
        let runtime = self.0.as_ref().expect("it is there until it is dropped");
        runtime.block_on(future)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A connection.
pub(super) struct Session {
    runtime: Waiting,
    client: Client,
    statements: RefCell<BTreeMap<&'static str, Statement>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("closed", &self.client.is_closed())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Connects to `postgres://…`.
    pub(super) fn connect(url: &str) -> Result<Self, StorageError> {
        let mut config: tokio_postgres::Config = url.parse().map_err(PostgresError::from)?;
        config.application_name("shelf-hub");
        config.connect_timeout(std::time::Duration::from_secs(CONNECT_TIMEOUT_S));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StorageError::Runtime)?;
        let (client, connection) = runtime
            .block_on(config.connect(NoTls))
            .map_err(PostgresError::from)?;
        // It ends with the connection; whoever asks then hears that it is closed.
        drop(runtime.spawn(connection));
        let session = Self {
            runtime: Waiting(Some(runtime)),
            client,
            statements: RefCell::default(),
        };
        session.batch(GREETING)?;
        Ok(session)
    }

    /// Whether the connection is lost.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements that take and return nothing.
    pub(super) fn batch(&self, sql: &str) -> Result<(), StorageError> {
        let done = self.runtime.block_on(self.client.batch_execute(sql));
        Ok(done.map_err(PostgresError::from)?)
    }

    fn prepared(&self, sql: &'static str) -> Result<Statement, PostgresError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.runtime.block_on(self.client.prepare(sql))?;
        let mut statements = self.statements.borrow_mut();
        statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// All rows of a query.
    pub(super) fn query(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StorageError> {
        let statement = self.prepared(sql)?;
        let rows = self.runtime.block_on(self.client.query(&statement, params));
        Ok(rows.map_err(PostgresError::from)?)
    }

    /// The first row of a query.
    pub(super) fn first(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, StorageError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs a statement; returns how many rows it changed.
    pub(super) fn execute(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<u64, StorageError> {
        let statement = self.prepared(sql)?;
        let changed = self
            .runtime
            .block_on(self.client.execute(&statement, params));
        Ok(changed.map_err(PostgresError::from)?)
    }

    /// Runs statements without waiting for one before the next is sent.
    pub(super) fn run(&self, batch: Batch) -> Result<(), StorageError> {
        let mut prepared = Vec::with_capacity(batch.0.len());
        for (sql, params) in &batch.0 {
            let refs: Vec<Param<'_>> = params.iter().map(|it| &**it as Param<'_>).collect();
            prepared.push((self.prepared(sql)?, refs));
        }
        let sent = prepared
            .iter()
            .map(|(statement, params)| self.client.execute(statement, params));
        let done = self
            .runtime
            .block_on(futures_util::future::try_join_all(sent));
        done.map_err(PostgresError::from)?;
        Ok(())
    }

    /// The rows of several queries that are sent together.
    pub(super) fn queries<const N: usize>(
        &self,
        queries: [(&'static str, &[Param<'_>]); N],
    ) -> Result<Vec<Vec<Row>>, StorageError> {
        let mut prepared = Vec::with_capacity(N);
        for (sql, params) in queries {
            prepared.push((self.prepared(sql)?, params));
        }
        let sent = prepared
            .iter()
            .map(|(statement, params)| self.client.query(statement, params));
        let done = self
            .runtime
            .block_on(futures_util::future::try_join_all(sent));
        Ok(done.map_err(PostgresError::from)?)
    }
}
