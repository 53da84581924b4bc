//! The database file: how it is opened, and what is in it.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::session::Failure;
use crate::RegistryError;

/// Marks the file as ours (`COVI`), so that another program's database is never written to.
const APPLICATION_ID: i64 = 0x434F_5649;

/// How long a call waits for another program's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The n-th entry takes a database of schema version n - 1 to version n. Entries are only ever added: a released one
/// never changes, and `tests/golden` holds a database of every version.
const MIGRATIONS: [&str; 1] = [include_str!("schema_v1.sql")];

/// The schema version that this program reads and writes.
const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Opens the file, creates it with its folder if it is not there, and brings it up to the schema of today.
pub(super) fn open(path: &Path) -> Result<Connection, RegistryError> {
    create_folder(path)?;
    prepare(path).map_err(|failure| failure.explain(path))
}

fn create_folder(path: &Path) -> Result<(), RegistryError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|cause| {
        let cause = format!("its folder cannot be created: {cause}");
        RegistryError::Unwritable { path: path.to_owned(), cause }
    })
}

fn prepare(path: &Path) -> Result<Connection, Failure> {
    // Without SQLITE_OPEN_URI: the path is a path, whatever characters it has.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    refuse_read_only(&connection, path)?;
    migrate(&mut connection, path)?;
    // Last, because it writes to the file: by now the file is known to be ours.
    use_write_ahead_log(&connection)?;
    Ok(connection)
}

/// SQLite opens a file that may not be written to without a word, and fails at the first write.
fn refuse_read_only(connection: &Connection, path: &Path) -> Result<(), Failure> {
    if connection.is_readonly("main")? {
        let cause = "the file is read-only".to_owned();
        return Err(RegistryError::Unwritable { path: path.to_owned(), cause }.into());
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    // In a transaction: these are several reads, and another program may be creating the tables between them.
    let found = check_owner(&connection.transaction()?, path)?;
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the write lock: another program may have created the tables meanwhile.
    let found = check_owner(&transaction, path)?;
    apply(&transaction, found)?;
    transaction.commit()?;
    Ok(())
}

fn apply(transaction: &Transaction<'_>, found: i64) -> Result<(), Failure> {
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(())
}

/// The schema version of the file, 0 for an empty one.
fn check_owner(transaction: &Transaction<'_>, path: &Path) -> Result<i64, Failure> {
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let is_empty = number("SELECT count(*) FROM sqlite_master")? == 0;
    let path = path.to_owned();
    match application {
        0 if version == 0 && is_empty => Ok(0),
        APPLICATION_ID if version > SCHEMA_VERSION => {
            Err(RegistryError::NewerSchema { path, found: version, known: SCHEMA_VERSION }.into())
        }
        APPLICATION_ID if version > 0 => Ok(version),
        _ => Err(RegistryError::NotATracker { path, reason: "it is a database of another program".to_owned() }.into()),
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
