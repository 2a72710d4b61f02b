//! What a column's name says about its contents.

use fake::Fake;
use fake::faker::{address::en as address, company::en as company, lorem::en as lorem};
use fake::faker::{name::en as name, phone_number::en as phone};

use crate::dice::Dice;

/// A kind of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Style {
    /// A mail address.
    Email,
    /// A person's name.
    Name,
    /// A given name.
    FirstName,
    /// A family name.
    LastName,
    /// A company's name.
    Company,
    /// A town.
    City,
    /// A country.
    Country,
    /// A street with a number.
    Street,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// A sentence.
    Sentence,
    /// A few words.
    Title,
    /// Words joined by hyphens, lower case.
    Slug,
    /// Something that looks secret or random.
    Token,
    /// A user's handle.
    Username,
    /// A unique text key.
    Key,
    /// One of few words: these repeat on purpose.
    Few(Vec<String>),
}

/// Endings of names, and the few words that such columns hold.
const FEW: &[(&[&str], &[&str])] = &[
    (&["provider", "integration", "vendor", "platform"], &["google", "meta", "stripe"]),
    (&["status", "state", "stage"], &["active", "pending", "closed"]),
    (&["role"], &["owner", "admin", "member"]),
    (&["currency"], &["EUR", "USD", "GBP"]),
    (&["locale", "language", "lang"], &["en", "de", "ja"]),
    (&["timezone", "tz"], &["UTC", "Europe/Berlin", "Asia/Tokyo"]),
    (&["countrycode"], &["DE", "US", "JP"]),
    (&["channel", "source", "medium"], &["email", "web", "ads"]),
    (&["scope"], &["overview", "channel", "workspace"]),
    (&["priority", "severity", "level"], &["low", "normal", "high"]),
    (&["plan", "tier"], &["free", "team", "enterprise"]),
    (&["region"], &["eu", "us", "ap"]),
    (
        &["type", "kind", "category", "mode", "action", "event", "metric", "method", "unit"],
        &["alpha", "beta", "gamma"],
    ),
];

/// Endings of names, and the style that they stand for; the first that fits wins.
const NAMES: &[(&[&str], Style)] = &[
    (&["email", "mail", "emailaddress"], Style::Email),
    (&["firstname", "givenname"], Style::FirstName),
    (&["lastname", "surname", "familyname"], Style::LastName),
    (&["username", "login", "handle", "nickname"], Style::Username),
    (&["company", "organization", "organisation", "companyname", "orgname", "accountname"], Style::Company),
    (&["fullname", "displayname", "contactname", "author", "customername"], Style::Name),
    (&["slug", "subdomain", "domain", "code", "sku"], Style::Slug),
    (&["city", "town"], Style::City),
    (&["country"], Style::Country),
    (&["street", "address", "addressline1", "addressline"], Style::Street),
    (&["phone", "mobile", "fax", "phonenumber"], Style::Phone),
    (&["url", "uri", "website", "link", "href", "avatar", "image"], Style::Url),
    (&["token", "secret", "hash", "apikey", "digest", "checksum", "signature", "password"], Style::Token),
    (&["title", "subject", "label", "headline"], Style::Title),
    (
        &[
            "content",
            "body",
            "description",
            "message",
            "text",
            "note",
            "notes",
            "summary",
            "comment",
            "bio",
            "reason",
        ],
        Style::Sentence,
    ),
    (&["name"], Style::Name),
];

impl Style {
    /// The style that a column's name suggests.
    pub(crate) fn of(column: &str) -> Self {
        let plain = plain(column);
        for (endings, words) in FEW {
            if endings.iter().any(|e| plain.ends_with(e)) {
                return Self::Few(words.iter().map(|&w| w.to_owned()).collect());
            }
        }
        Self::told_by(&plain).unwrap_or(Self::Title)
    }

    /// The style that a hint's `fake` kind names.
    pub(crate) fn named(kind: &str) -> Option<Self> {
        let plain = plain(kind);
        match plain.as_str() {
            "name" | "person" => Some(Self::Name),
            "sentence" | "paragraph" | "lorem" => Some(Self::Sentence),
            "word" | "words" => Some(Self::Title),
            other => Self::told_by(other),
        }
    }

    fn told_by(plain: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(endings, _)| endings.iter().any(|e| plain.ends_with(e)));
        found.map(|(_, style)| style.clone())
    }

    /// A value, realistic and in no way unique.
    pub(crate) fn sample(&self, dice: &mut Dice) -> String {
        match self {
            Self::Email => {
                let user: &str = name::FirstName().fake_with_rng(dice.rng());
                format!("{}@example.com", ascii_word(user))
            }
            Self::Name => name::Name().fake_with_rng(dice.rng()),
            Self::FirstName => name::FirstName().fake_with_rng(dice.rng()),
            Self::LastName => name::LastName().fake_with_rng(dice.rng()),
            Self::Company => company::CompanyName().fake_with_rng(dice.rng()),
            Self::City => address::CityName().fake_with_rng(dice.rng()),
            Self::Country => address::CountryName().fake_with_rng(dice.rng()),
            Self::Street => {
                let street: String = address::StreetName().fake_with_rng(dice.rng());
                format!("{} {street}", 1 + dice.below(200))
            }
            Self::Phone => phone::PhoneNumber().fake_with_rng(dice.rng()),
            Self::Url => format!("https://example.com/{}", word(dice)),
            Self::Sentence => {
                let words = 3 + dice.below(4);
                let mut text = word(dice).to_owned();
                for _ in 1..words {
                    text.push(' ');
                    text.push_str(word(dice));
                }
                text
            }
            Self::Title => format!("{} {}", word(dice), word(dice)),
            Self::Slug => format!("{}-{}", word(dice), word(dice)),
            Self::Token | Self::Key => format!("{:016x}", dice.bits()),
            Self::Username => {
                let user: &str = name::FirstName().fake_with_rng(dice.rng());
                format!("{}{}", ascii_word(user), dice.below(100))
            }
            Self::Few(words) => dice.pick(words).clone(),
        }
    }

    /// The value that many rows of many tenants share.
    pub(crate) fn common(&self) -> &str {
        match self {
            Self::Email => "info@example.com",
            Self::Name | Self::FirstName | Self::LastName => "Alex",
            Self::Company => "Acme",
            Self::Url => "https://example.com/",
            Self::Slug | Self::Username => "main",
            Self::Phone => "+10000000",
            Self::Few(words) => words.first().map_or("alpha", String::as_str),
            _ => "same",
        }
    }

    /// Puts a mark into a text of this style, where it does least harm.
    pub(crate) fn marked(&self, text: &str, mark: &str) -> String {
        match self {
            Self::Email => match text.split_once('@') {
                Some((user, host)) => format!("{user}.{mark}@{host}"),
                None => format!("{text}.{mark}"),
            },
            Self::Slug | Self::Username | Self::Key | Self::Url => format!("{text}-{mark}"),
            _ => format!("{text} ~{mark}"),
        }
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

fn word(dice: &mut Dice) -> &'static str {
    lorem::Word().fake_with_rng(dice.rng())
}

fn ascii_word(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}
