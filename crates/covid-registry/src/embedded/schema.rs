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

/// Opens the file, creates it with its folder if it is not there, and brings it up to the schema of today.
pub(super) fn open(path: &Path) -> Result<Connection, RegistryError> {
    open_with(path, &MIGRATIONS)
}

fn open_with(path: &Path, migrations: &[&str]) -> Result<Connection, RegistryError> {
    create_folder(path)?;
    prepare(path, migrations).map_err(|failure| failure.explain(path))
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

fn prepare(path: &Path, migrations: &[&str]) -> Result<Connection, Failure> {
    // Without SQLITE_OPEN_URI: the path is a path, whatever characters it has.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    refuse_read_only(&connection, path)?;
    migrate(&mut connection, path, migrations)?;
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
        APPLICATION_ID if version > known => Err(RegistryError::NewerSchema { path, found: version, known }.into()),
        APPLICATION_ID if version > 0 => Ok(version.unsigned_abs() as usize),
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    /// A version 2 that never was: it adds a column, fills it, and leaves a mark each time it is applied.
    const TO_V2: &str = "ALTER TABLE experiments ADD COLUMN note TEXT NOT NULL DEFAULT '';
                         UPDATE experiments SET note = 'of ' || name;
                         CREATE TABLE marks (id INTEGER PRIMARY KEY) STRICT;
                         INSERT INTO marks DEFAULT VALUES;";
    /// A version 3 that fails half-way.
    const TO_V3: &str = "DELETE FROM experiments; INSERT INTO no_such_table DEFAULT VALUES;";

    /// A database of version 1 with two experiments.
    fn database_v1() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracking.db");
        let connection = open_with(&path, &MIGRATIONS[..1]).unwrap();
        connection.execute_batch("INSERT INTO experiments (name) VALUES ('a'), ('b')").unwrap();
        (folder, path)
    }

    fn text(connection: &Connection, sql: &str) -> String {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn version(path: &Path) -> i64 {
        Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_database_of_the_version_before_is_brought_up_with_what_is_in_it() {
        let (_folder, path) = database_v1();
        let connection = open_with(&path, &[MIGRATIONS[0], TO_V2]).unwrap();
        assert_eq!(text(&connection, "SELECT group_concat(note) FROM experiments"), "of a,of b");
        assert_eq!(version(&path), 2);
        let refused = open_with(&path, &MIGRATIONS[..1]);
        assert!(matches!(refused, Err(RegistryError::NewerSchema { found: 2, known: 1, .. })), "{refused:?}");
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_as_it_was() {
        let (_folder, path) = database_v1();
        let failed = open_with(&path, &[MIGRATIONS[0], TO_V2, TO_V3]).unwrap_err();
        assert!(failed.to_string().contains("no such table: no_such_table"), "{failed}");
        assert_eq!(version(&path), 1);
        let connection = open_with(&path, &MIGRATIONS[..1]).unwrap();
        assert_eq!(text(&connection, "SELECT group_concat(name) FROM experiments"), "a,b");
        let marks = "SELECT count(*) || '' FROM sqlite_master WHERE name = 'marks'";
        assert_eq!(text(&connection, marks), "0", "version 2 was taken back, too");
    }

    #[test]
    fn of_programs_that_migrate_at_once_one_does_it() {
        for _ in 0..5 {
            let (_folder, path) = database_v1();
            thread::scope(|scope| {
                let open = || open_with(&path, &[MIGRATIONS[0], TO_V2]).map(drop);
                let opening: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
                opening.into_iter().for_each(|opened| opened.join().unwrap().unwrap());
            });
            let connection = open_with(&path, &[MIGRATIONS[0], TO_V2]).unwrap();
            assert_eq!(text(&connection, "SELECT count(*) || '' FROM marks"), "1");
        }
    }
}
