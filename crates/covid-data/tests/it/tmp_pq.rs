#[test]
fn tmp_pq() {
    for entry in std::fs::read_dir("/root/t/tables-pq").unwrap().flatten() {
        let path = entry.path();
        match covid_data::load(path.to_str().unwrap(), &Default::default()) {
            Ok(l) => println!("{:?} {} {:?}", path.file_name().unwrap(), &l.panel.digest()[..8], l.findings.remarks),
            Err(e) => println!("{:?} ERR {e}", path.file_name().unwrap()),
        }
    }
}
