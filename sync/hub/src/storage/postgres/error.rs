//! Why PostgreSQL did not do what it was asked, and whether asking again may help.

use tokio_postgres::error::SqlState;

/// PostgreSQL refused a statement, or is not there.
#[derive(Debug)]
pub struct PostgresError(tokio_postgres::Error);

impl PostgresError {
    /// Whether the same transaction may succeed if it is tried again: another one was in the way
    /// (PostgreSQL 40001, 40P01, 55P03; distributed databases answer 40001 more often), or the
    /// connection or the server went away. After a connection was lost during COMMIT it is not
    /// known whether that took place: whoever tries again must bear finding its own rows.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let Some(state) = self.0.code() else {
            // The wire, not the server, said no.
            return true;
        };
        [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::QUERY_CANCELED,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::UNIQUE_VIOLATION,
        ]
        .contains(state)
            || state.code().starts_with("08")
    }

    /// A row that was to be added is there (23505): the same transaction succeeds if it looks for
    /// it.
    pub(super) fn is_row_there(&self) -> bool {
        self.0.code() == Some(&SqlState::UNIQUE_VIOLATION)
    }
}

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for PostgresError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_db_error() {
            Some(error) => write!(f, "{} ({})", error.message(), error.code().code()),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for PostgresError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}
