//! One connection to PostgreSQL for a thread that waits for its answers.
//!
//! The wire is asynchronous and the hub's writer is not: a thread of the connection's own reads and
//! writes it, and each call waits until its answer is there. What only writes is sent and not
//! waited for ([`Session::run`]), so that the server works while the writer prepares what comes
//! next; the server takes statements in the order in which they were sent, and whether all went
//! well is asked before the commit ([`Session::confirm`]). Statements are prepared once per
//! connection. Nothing here may be called inside another runtime's `block_on`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
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

/// An answer that is on its way.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send + 'a>>;

/// The answers of queries that were sent.
pub(super) type Asked<'a> = Vec<Answer<'a, Vec<Row>>>;

/// A connection.
pub(super) struct Session {
    /// Of the thread that moves its bytes; it ends with the connection.
    runtime: Handle,
    client: Arc<Client>,
    statements: RefCell<BTreeMap<&'static str, Statement>>,
    /// Statements that were sent and whose outcome nobody has looked at.
    sent: RefCell<Vec<Answer<'static, u64>>>,
    /// A row was there that nobody expected: from now on it is looked for.
    careful: Cell<bool>,
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
        let handle = runtime.handle().clone();
        // It ends with the connection; whoever asks then hears that it is closed.
        std::thread::Builder::new()
            .name("hub-postgres".to_owned())
            .spawn(move || drop(runtime.block_on(connection)))
            .map_err(StorageError::Runtime)?;
        let session = Self {
            runtime: handle,
            client: Arc::new(client),
            statements: RefCell::default(),
            sent: RefCell::default(),
            careful: Cell::new(false),
        };
        session.batch(GREETING)?;
        Ok(session)
    }

    /// Whether the connection is lost.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Waits for an answer. Where it is no, an earlier statement may have been the reason: the
    /// server then refuses whatever comes after it.
    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StorageError> {
        match self.runtime.block_on(answer) {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.confirm()?;
                Err(self.failed(error))
            }
        }
    }

    fn failed(&self, error: tokio_postgres::Error) -> StorageError {
        let error = PostgresError::from(error);
        if error.is_row_there() {
            self.careful.set(true);
        }
        error.into()
    }

    /// Whether rows that are written may be there already.
    pub(super) fn is_careful(&self) -> bool {
        self.careful.get()
    }

    /// Waits for everything that was sent, and says whether it went well.
    pub(super) fn confirm(&self) -> Result<(), StorageError> {
        let sent = self.sent.take();
        let mut failed = None;
        self.runtime.block_on(async {
            for answer in sent {
                if let Err(error) = answer.await {
                    failed.get_or_insert(error);
                }
            }
        });
        match failed {
            Some(error) => Err(self.failed(error)),
            None => Ok(()),
        }
    }

    /// Runs statements that take and return nothing.
    pub(super) fn batch(&self, sql: &str) -> Result<(), StorageError> {
        self.wait(self.client.batch_execute(sql))
    }

    fn prepared(&self, sql: &'static str) -> Result<Statement, StorageError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(sql))?;
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
        self.wait(self.client.query(&statement, params))
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
        self.wait(self.client.execute(&statement, params))
    }

    /// Sends statements. How they went is asked by [`Session::confirm`]; what is asked after them
    /// sees what they did.
    pub(super) fn run(&self, batch: Batch) -> Result<(), StorageError> {
        for (sql, params) in batch.0 {
            let statement = self.prepared(sql)?;
            let client = Arc::clone(&self.client);
            let mut answer: Answer<'static, u64> = Box::pin(async move {
                let refs: Vec<Param<'_>> = params.iter().map(|it| &**it as Param<'_>).collect();
                client.execute(&statement, &refs).await
            });
            match begin(&mut answer) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    self.confirm()?;
                    return Err(self.failed(error));
                }
                Poll::Pending => self.sent.borrow_mut().push(answer),
            }
        }
        Ok(())
    }

    /// Sends several queries; [`Session::answers`] waits for their rows.
    pub(super) fn ask<'a, const N: usize>(
        &'a self,
        queries: [(&'static str, &'a [Param<'a>]); N],
    ) -> Result<Asked<'a>, StorageError> {
        let mut asked: Asked<'a> = Vec::with_capacity(N);
        for (sql, params) in queries {
            let statement = self.prepared(sql)?;
            let client = &self.client;
            let mut answer: Answer<'a, Vec<Row>> =
                Box::pin(async move { client.query(&statement, params).await });
            asked.push(match begin(&mut answer) {
                Poll::Ready(done) => Box::pin(std::future::ready(done)),
                Poll::Pending => answer,
            });
        }
        Ok(asked)
    }

    /// The rows of queries that were sent.
    pub(super) fn answers(&self, asked: Asked<'_>) -> Result<Vec<Vec<Row>>, StorageError> {
        let mut rows = Vec::with_capacity(asked.len());
        for answer in asked {
            rows.push(self.wait(answer)?);
        }
        Ok(rows)
    }
}

/// Sends what an answer is of: the first look at it writes to the connection's queue.
fn begin<T>(answer: &mut Answer<'_, T>) -> Poll<Result<T, tokio_postgres::Error>> {
    answer
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}
