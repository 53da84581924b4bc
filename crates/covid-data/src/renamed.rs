//! One place, one name: what JHU called its places over the years, and what its final time series call them.
//!
//! Reports of January to March 2020 changed the names of countries from day to day, counted territories as countries,
//! repeated a country's name as its province and wrote counties as `King County, WA`. Every row of the tables below was
//! seen in a report; the names on the right are those of the final series, or of the reports of 2022 for places that the
//! final series do not have (provinces and counties that they add up).

use std::borrow::Cow;

/// The parts of a place, from the smallest up; a part that is not there is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) admin2: Cow<'a, str>,
    pub(crate) province: Cow<'a, str>,
    pub(crate) country: Cow<'a, str>,
}

/// Any province, and the province as it is.
const SAME: &str = "*";

/// Province and country as reported, province and country as they are called in the end, and why, where that cannot be
/// seen. The first row that fits is taken.
#[rustfmt::skip]
const PLACES: &[(&str, &str, &str, &str, &str)] = &[
    // A country's name as its province, in reports of March 2020: all of the country. (`Mexico, Mexico` is a state.)
    ("Denmark", "Denmark", "", "Denmark", ""),
    ("France", "France", "", "France", ""),
    ("Netherlands", "Netherlands", "", "Netherlands", ""),
    ("US", "US", "Unknown", "US", "one case of no state, on 2020-03-21: not all of the country"),
    ("United Kingdom", "United Kingdom", "", "United Kingdom", ""),
    ("UK", "United Kingdom", "", "United Kingdom", ""),
    ("United Kingdom", "UK", "", "United Kingdom", ""),
    // Countries that were renamed.
    (SAME, "Mainland China", SAME, "China", "until 2020-03-10"),
    (SAME, "South Korea", SAME, "Korea, South", ""),
    (SAME, "Republic of Korea", SAME, "Korea, South", "the name of the United Nations, on 2020-03-10 alone"),
    (SAME, "North Korea", SAME, "Korea, North", ""),
    (SAME, "Iran (Islamic Republic of)", SAME, "Iran", "as above"),
    (SAME, "Viet Nam", SAME, "Vietnam", "as above"),
    (SAME, "Russian Federation", SAME, "Russia", "as above"),
    (SAME, "Republic of Moldova", SAME, "Moldova", "as above"),
    (SAME, "occupied Palestinian territory", SAME, "West Bank and Gaza", "as above"),
    (SAME, "Palestine", SAME, "West Bank and Gaza", "2020-03-08 and 09"),
    (SAME, "Republic of Ireland", SAME, "Ireland", "2020-03-08"),
    (SAME, "North Ireland", "Northern Ireland", "United Kingdom", "2020-02-27: not yet a part of the UK's row"),
    (SAME, "Czech Republic", SAME, "Czechia", ""),
    (SAME, "Macedonia", SAME, "North Macedonia", ""),
    (SAME, "Swaziland", SAME, "Eswatini", ""),
    (SAME, "Myanmar", SAME, "Burma", ""),
    (SAME, "Vatican City", SAME, "Holy See", "until 2020-03-09"),
    (SAME, "Ivory Coast", SAME, "Cote d'Ivoire", ""),
    (SAME, "Cape Verde", SAME, "Cabo Verde", ""),
    (SAME, "East Timor", SAME, "Timor-Leste", ""),
    (SAME, "Bahamas, The", SAME, "Bahamas", ""),
    (SAME, "The Bahamas", SAME, "Bahamas", "beside `Bahamas, The` on some days, with 0"),
    (SAME, "Gambia, The", SAME, "Gambia", ""),
    (SAME, "The Gambia", SAME, "Gambia", "beside `Gambia, The` on some days, with 0"),
    (SAME, "Republic of the Congo", SAME, "Congo (Brazzaville)", "the other one is the Democratic Republic"),

    // What JHU counts to China, or as a place of its own.
    (SAME, "Hong Kong", "Hong Kong", "China", ""),
    (SAME, "Hong Kong SAR", "Hong Kong", "China", "2020-03-10"),
    (SAME, "Macau", "Macau", "China", ""),
    (SAME, "Macao SAR", "Macau", "China", "2020-03-10"),
    (SAME, "Taiwan", "", "Taiwan*", ""),
    (SAME, "Taipei and environs", "", "Taiwan*", "2020-03-10"),
    (SAME, "Taiwan*", "", "Taiwan*", "with `Taiwan` as its province at first"),

    // The United Kingdom, and territories that were countries for some days.
    (SAME, "UK", SAME, "United Kingdom", "until 2020-03-10"),
    ("Falkland Islands (Islas Malvinas)", "United Kingdom", "Falkland Islands (Malvinas)", "United Kingdom", ""),
    (SAME, "Channel Islands", "Channel Islands", "United Kingdom", ""),
    (SAME, "Gibraltar", "Gibraltar", "United Kingdom", ""),
    (SAME, "Cayman Islands", "Cayman Islands", "United Kingdom", ""),
    (SAME, "Guernsey", "Guernsey", "United Kingdom", ""),
    (SAME, "Jersey", "Jersey", "United Kingdom", ""),
    (SAME, "Faroe Islands", "Faroe Islands", "Denmark", ""),
    (SAME, "Greenland", "Greenland", "Denmark", ""),
    ("Fench Guiana", "France", "French Guiana", "France", "a typing error of 2020-03"),
    (SAME, "French Guiana", "French Guiana", "France", ""),
    (SAME, "Guadeloupe", "Guadeloupe", "France", ""),
    (SAME, "Martinique", "Martinique", "France", ""),
    (SAME, "Mayotte", "Mayotte", "France", ""),
    (SAME, "Reunion", "Reunion", "France", ""),
    (SAME, "Saint Barthelemy", "Saint Barthelemy", "France", ""),
    (SAME, "Saint Martin", "St Martin", "France", ""),
    (SAME, "St. Martin", "St Martin", "France", ""),
    ("St. Martin", "France", "St Martin", "France", ""),
    ("Saint Martin", "France", "St Martin", "France", ""),
    (SAME, "Aruba", "Aruba", "Netherlands", ""),
    (SAME, "Curacao", "Curacao", "Netherlands", ""),
    (SAME, "Guam", "Guam", "US", ""),
    (SAME, "Puerto Rico", "Puerto Rico", "US", ""),
    ("Bavaria", "Germany", "Bayern", "Germany", "the only part of Germany with cases in January 2020"),

    // Parts of the US that are no counties.
    ("Washington, D.C.", "US", "District of Columbia", "US", ""),
    ("United States Virgin Islands", "US", "Virgin Islands", "US", ""),
    ("Virgin Islands, U.S.", "US", "Virgin Islands", "US", ""),
    ("Unassigned Location (From Diamond Princess)", "US", "Diamond Princess", "US", "Americans who were flown home"),
    ("Grand Princess Cruise Ship", "US", "Grand Princess", "US", ""),

    // The ship at Yokohama: the final series have it as a country.
    (SAME, "Others", "", "Diamond Princess", "`Diamond Princess cruise ship` or `Cruise Ship`, until 2020-03-09"),
    (SAME, "Cruise Ship", "", "Diamond Princess", "2020-03-11 to 2020-03-22"),
    (SAME, "Diamond Princess", "", "Diamond Princess", "with a province in some reports"),

    // Cities of Canada; those with `ON` or `QC` come in the report of a day, those with a province's name later.
    ("Toronto, ON", "Canada", "Ontario", "Canada", ""),
    ("London, ON", "Canada", "Ontario", "Canada", ""),
    ("Montreal, QC", "Canada", "Quebec", "Canada", ""),
    ("Calgary, Alberta", "Canada", "Alberta", "Canada", ""),
    ("Edmonton, Alberta", "Canada", "Alberta", "Canada", ""),
];

/// State, county as reported, county as it is called in the end.
#[rustfmt::skip]
const COUNTIES: &[(&str, &str, &str)] = &[
    // Cities of the first cases, by the county to which JHU's final county series count them.
    ("Arizona", "Tempe", "Maricopa"),
    ("Illinois", "Chicago", "Cook"),
    ("Massachusetts", "Boston", "Suffolk"),
    ("Oregon", "Portland", "Washington"),
    ("Texas", "San Antonio", "Bexar"),
    ("Washington", "Seattle", "King"),
    ("Wisconsin", "Madison", "Dane"),
    // Reports of March 2020.
    ("Florida", "Desoto", "DeSoto"),
    ("Massachusetts", "Dukes", "Dukes and Nantucket"),
    ("Massachusetts", "Nantucket", "Dukes and Nantucket"),
    ("Minnesota", "LeSeur", "Le Sueur"),
    ("Nevada", "Elko County", "Elko"),
    ("New Mexico", "Doña Ana", "Dona Ana"),
    ("Tennessee", "Out-of-state", "Out of TN"),
    ("Tennessee", "Unknown", "Unassigned"),
    ("Washington", "Garfield County", "Garfield"),
    ("Washington", "Walla Walla County", "Walla Walla"),
];

/// The states by their postal codes: `King County, WA`.
#[rustfmt::skip]
const STATES: &[(&str, &str)] = &[
    ("AK", "Alaska"), ("AL", "Alabama"), ("AR", "Arkansas"), ("AZ", "Arizona"), ("CA", "California"),
    ("CO", "Colorado"), ("CT", "Connecticut"), ("DC", "District of Columbia"), ("DE", "Delaware"), ("FL", "Florida"),
    ("GA", "Georgia"), ("HI", "Hawaii"), ("IA", "Iowa"), ("ID", "Idaho"), ("IL", "Illinois"), ("IN", "Indiana"),
    ("KS", "Kansas"), ("KY", "Kentucky"), ("LA", "Louisiana"), ("MA", "Massachusetts"), ("MD", "Maryland"),
    ("ME", "Maine"), ("MI", "Michigan"), ("MN", "Minnesota"), ("MO", "Missouri"), ("MS", "Mississippi"),
    ("MT", "Montana"), ("NC", "North Carolina"), ("ND", "North Dakota"), ("NE", "Nebraska"),
    ("NH", "New Hampshire"), ("NJ", "New Jersey"), ("NM", "New Mexico"), ("NV", "Nevada"), ("NY", "New York"),
    ("OH", "Ohio"), ("OK", "Oklahoma"), ("OR", "Oregon"), ("PA", "Pennsylvania"), ("RI", "Rhode Island"),
    ("SC", "South Carolina"), ("SD", "South Dakota"), ("TN", "Tennessee"), ("TX", "Texas"), ("UT", "Utah"),
    ("VA", "Virginia"), ("VT", "Vermont"), ("WA", "Washington"), ("WI", "Wisconsin"), ("WV", "West Virginia"),
    ("WY", "Wyoming"),
];

/// The names that JHU's final series would give a place of a daily report.
pub(crate) fn canonical<'a>(admin2: &'a str, province: &'a str, country: &'a str) -> Parts<'a> {
    let [admin2, province, country] = [admin2, province, country].map(str::trim);
    let (province, country) = renamed(province, country);
    match country {
        "US" => american(admin2, province),
        _ => parts(admin2, province, country),
    }
}

fn parts<'a>(admin2: impl Into<Cow<'a, str>>, province: &'a str, country: &'a str) -> Parts<'a> {
    Parts { admin2: admin2.into(), province: province.into(), country: country.into() }
}

fn renamed<'a>(province: &'a str, country: &'a str) -> (&'a str, &'a str) {
    let fits = |pattern: &str, name: &str| pattern == SAME || pattern == name;
    let row = PLACES.iter().find(|row| fits(row.0, province) && fits(row.1, country));
    row.map_or((province, country), |&(_, _, new_province, new_country, _)| {
        (if new_province == SAME { province } else { new_province }, new_country)
    })
}

fn american<'a>(admin2: &'a str, province: &'a str) -> Parts<'a> {
    if admin2.is_empty() && province.ends_with("(From Diamond Princess)") {
        // Bases where those who were flown home from the ship stayed; JHU counted them apart from their states.
        return parts("", "Diamond Princess", "US");
    }
    match province.rsplit_once(", ").and_then(|(county, code)| Some((county, state(code)?))) {
        Some((county, state)) if admin2.is_empty() => parts(county_name(state, without_kind(county)), state, "US"),
        _ => parts(county_name(province, admin2), province, "US"),
    }
}

fn state(code: &str) -> Option<&'static str> {
    STATES.iter().find(|row| row.0 == code).map(|row| row.1)
}

/// `King County` is `King` in the column `Admin2`.
fn without_kind(county: &str) -> &str {
    county.strip_suffix(" County").or_else(|| county.strip_suffix(" Parish")).unwrap_or(county)
}

fn county_name<'a>(state: &str, county: &'a str) -> Cow<'a, str> {
    match COUNTIES.iter().find(|row| row.0 == state && row.1 == county) {
        Some(row) => row.2.into(),
        None if matches!(county, "Unassigned Location" | "Unknown Location" | "unassigned") => "Unassigned".into(),
        None => county.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(admin2: &str, province: &str, country: &str) -> String {
        let Parts { admin2, province, country } = canonical(admin2, province, country);
        [admin2, province, country].join("/")
    }

    #[test]
    fn countries_have_one_name() {
        for (country, wanted) in [
            ("South Korea", "Korea, South"),
            ("Republic of Korea", "Korea, South"),
            ("Korea, South", "Korea, South"),
            ("Iran (Islamic Republic of)", "Iran"),
            (" Azerbaijan", "Azerbaijan"),
            ("Bahamas, The", "Bahamas"),
            ("The Gambia", "Gambia"),
            ("Viet Nam", "Vietnam"),
            ("occupied Palestinian territory", "West Bank and Gaza"),
            ("Holy See", "Holy See"),
        ] {
            assert_eq!(name("", "", country), format!("//{wanted}"));
        }
        assert_eq!(name("", "Hubei", "Mainland China"), "/Hubei/China");
    }

    #[test]
    fn territories_belong_to_their_countries() {
        for (province, country) in [("Hong Kong", "Hong Kong"), ("", "Hong Kong SAR"), ("Hong Kong", "China")] {
            assert_eq!(name("", province, country), "/Hong Kong/China");
        }
        assert_eq!(name("", "Taiwan", "Taipei and environs"), "//Taiwan*");
        assert_eq!(name("", "", "Guadeloupe"), "/Guadeloupe/France");
        assert_eq!(name("", "Saint Martin", "Saint Martin"), "/St Martin/France");
    }

    #[test]
    fn a_province_that_is_the_country_is_none() {
        for country in ["France", "Denmark", "United Kingdom"] {
            assert_eq!(name("", country, country), format!("//{country}"));
        }
        assert_eq!(name("", "UK", "United Kingdom"), "//United Kingdom");
        assert_eq!(name("", "United Kingdom", "UK"), "//United Kingdom");
        // A state, not the country.
        assert_eq!(name("", "Mexico", "Mexico"), "/Mexico/Mexico");
    }

    #[test]
    fn counties_with_the_code_of_their_state() {
        assert_eq!(name("", "King County, WA", "US"), "King/Washington/US");
        assert_eq!(name("", "Chicago, IL", "US"), "Cook/Illinois/US");
        assert_eq!(name("", "Jefferson Parish, LA", "US"), "Jefferson/Louisiana/US");
        assert_eq!(name("", "Norwell County, MA ", "US"), "Norwell/Massachusetts/US");
        assert_eq!(name("", "Unassigned Location, VT", "US"), "Unassigned/Vermont/US");
        assert_eq!(name("Walla Walla County", "Washington", "US"), "Walla Walla/Washington/US");
        assert_eq!(name("", "Washington, D.C.", "US"), "/District of Columbia/US");
        assert_eq!(name("", "Virgin Islands, U.S.", "US"), "/Virgin Islands/US");
    }

    #[test]
    fn ships_are_places() {
        for (province, country) in [("Diamond Princess cruise ship", "Others"), ("Diamond Princess", "Cruise Ship")] {
            assert_eq!(name("", province, country), "//Diamond Princess");
        }
        for province in ["Omaha, NE (From Diamond Princess)", "Unassigned Location (From Diamond Princess)"] {
            assert_eq!(name("", province, "US"), "/Diamond Princess/US");
        }
        assert_eq!(name("", "Grand Princess", "Canada"), "/Grand Princess/Canada");
        assert_eq!(name("", "From Diamond Princess", "Australia"), "/From Diamond Princess/Australia");
    }

    #[test]
    fn what_has_its_name_keeps_it() {
        for row in PLACES {
            let (province, country) = (if row.2 == SAME { "" } else { row.2 }, row.3);
            assert_eq!(name("", province, country), format!("/{province}/{country}"), "{row:?}");
        }
        for row in COUNTIES {
            assert_eq!(name(row.2, row.0, "US"), format!("{}/{}/US", row.2, row.0), "{row:?}");
        }
        assert_eq!(name("Charles City", "Virginia", "US"), "Charles City/Virginia/US");
    }
}
