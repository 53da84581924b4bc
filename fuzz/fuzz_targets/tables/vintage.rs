//! What a store keeps in Parquet: vintages and tables.

#![no_main]

use covid_data::{Table, panel_from_parquet, panel_to_parquet};
use covid_fuzz::{check_panel, explained, let_panics_be_caught};
use covid_prediction::PredictionRow;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: let_panics_be_caught(), |data: &[u8]| {
    if let Some(panel) = explained(panel_from_parquet(data)) {
        let written = panel_to_parquet(&panel).expect("a panel can be written");
        assert_eq!(panel_from_parquet(&written).expect("what was written").digest(), panel.digest());
        check_panel(&panel);
    }
    if let Some(table) = explained(Table::from_parquet(data)) {
        let written = table.to_parquet().expect("a table can be written");
        // By their bytes, for a missing number is not equal to itself.
        let again = Table::from_parquet(&written).expect("what was written");
        assert_eq!(again.to_parquet().expect("a table can be written"), written);
        table.to_csv().expect("a table can be written");
        explained(PredictionRow::all(&table));
    }
});
