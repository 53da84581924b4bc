//! The database file: how it is opened, and what is in it.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::Failure;
use crate::FlowError;

/// Marks the file as ours (`COVF`), so that another program's database is never written to.
const APPLICATION_ID: i64 = 0x434F_5646;

/// How long a call waits for another program's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The n-th entry takes a database of schema version n - 1 to version n. Entries are only ever added: a released one
/// never changes, and `tests/golden` holds a database of every version.
const MIGRATIONS: [&str; 1] = [include_str!("schema_v1.sql")];

/// Opens the file, creates it with its folder if it is not there, and brings it up to the schema of today.
pub(super) fn open(path: &Path) -> Result<Connection, Failure> {
    // Without SQLITE_OPEN_URI: the path is a path, whatever characters it has.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    refuse_read_only(&connection, path)?;
    migrate(&mut connection, path, &MIGRATIONS)?;
    // Last, because it writes to the file: by now the file is known to be ours.
    use_write_ahead_log(&connection)?;
    // With the write-ahead log this risks the last transactions at a power cut, and never the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// SQLite opens a file that may not be written to without a word, and fails at the first write.
fn refuse_read_only(connection: &Connection, path: &Path) -> Result<(), Failure> {
    if connection.is_readonly("main")? {
        let cause = "the file is read-only".to_owned();
        return Err(FlowError::Unwritable { path: path.to_owned(), cause }.into());
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Failure> {
    // In a transaction: these are several reads, and another program may be creating the tables between them.
    let found = check_owner(&connection.transaction()?, path, migrations.len())?;
    if found == migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the write lock: another program may have created the tables meanwhile.
    let found = check_owner(&transaction, path, migrations.len())?;
    for migration in migrations.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migrations.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

/// The schema version of the file, 0 for an empty one.
fn check_owner(transaction: &Transaction<'_>, path: &Path, known: usize) -> Result<usize, Failure> {
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let is_empty = number("SELECT count(*) FROM sqlite_master")? == 0;
    let (path, known) = (path.to_owned(), known as i64);
    match application {
        0 if version == 0 && is_empty => Ok(0),
        APPLICATION_ID if version > known => Err(FlowError::NewerSchema { path, found: version, known }.into()),
        APPLICATION_ID if version > 0 => Ok(version.unsigned_abs() as usize),
        _ => Err(FlowError::NotFlowRuns { path, reason: "it is a database of another program".to_owned() }.into()),
    }
}

/// Lets readers read while somebody writes. The switch needs the file for itself, and SQLite does not always wait for
/// that as it waits elsewhere: two programs that create the file at the same moment would collide.
fn use_write_ahead_log(connection: &Connection) -> Result<(), Failure> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut attempts = BUSY_TIMEOUT.as_millis() / PAUSE.as_millis();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(busy) if attempts > 0 && busy.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                attempts -= 1;
                thread::sleep(PAUSE);
            }
            other => return Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_not_ours_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
        assert!(matches!(open(&path), Err(Failure::Flow(FlowError::NotFlowRuns { .. }))));
        let newer = folder.path().join("newer.db");
        open(&newer)
            .map_err(|failure| failure.explain(&newer))
            .unwrap()
            .pragma_update(None, "user_version", 2)
            .unwrap();
        assert!(matches!(open(&newer), Err(Failure::Flow(FlowError::NewerSchema { found: 2, known: 1, .. }))));
    }

    #[test]
    fn of_programs_that_create_it_at_once_one_does() {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("flow.db");
            thread::scope(|scope| {
                let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&path).is_ok())).collect();
                assert!(opening.into_iter().all(|opened| opened.join().unwrap()));
            });
        }
    }
}
