//! The documented format of secrets at rest: AES-256-GCM, written `iv:authTag:encrypted`, each part in base64.

use aes_gcm::aead::{AeadInPlace as _, KeyInit as _};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::consts::U16;
use aes_gcm::{AesGcm, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use watertight_generators::Dataset;
use watertight_scenarios::Scenario;

/// Gives the declared columns of a data set values as the application would store them: the generator knows no keys.
pub(crate) fn seal_data(scenario: &Scenario, data: &mut Dataset, seed: u64) {
    for secrets in &scenario.secrets {
        for table in data.tables.iter_mut().filter(|t| t.database == secrets.database.0) {
            let declared = secrets.columns.iter().filter(|(relation, _)| *relation == table.table);
            let columns: Vec<usize> =
                declared.filter_map(|(_, c)| table.columns.iter().position(|x| x == c)).collect();
            for (n, row) in table.rows.iter_mut().enumerate() {
                for &c in &columns {
                    if row.values[c].is_some() {
                        let salt = format!("{seed}/{}/{n}/{c}", table.table);
                        let digest = Sha256::digest(salt.as_bytes());
                        let plain: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
                        let sealed = Sealed::seal(&format!("sk_test_{plain}"), &secrets.key, &salt);
                        row.values[c] = sealed.map(|s| s.to_string());
                    }
                }
            }
        }
    }
}

/// Bytes of the initialisation vector, and of the tag.
const IV_LENGTH: usize = 16;

type Cipher = AesGcm<Aes256, U16>;

/// A value that has the form of an encrypted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Initialisation vector.
    pub iv: [u8; IV_LENGTH],
    /// Authentication tag.
    pub tag: [u8; IV_LENGTH],
    /// What is encrypted.
    pub body: Vec<u8>,
}

impl Sealed {
    /// Reads a value; `None` when it does not have the form.
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(':').map(|part| STANDARD.decode(part).ok());
        let (iv, tag, body) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() {
            return None;
        }
        Some(Self { iv: iv.try_into().ok()?, tag: tag.try_into().ok()?, body })
    }

    /// Encrypts. The same text and salt give the same value, so that data stays a function of its seed.
    /// `None` for a key of another length.
    pub fn seal(plain: &str, key: &[u8], salt: &str) -> Option<Self> {
        let digest = Sha256::digest(format!("{salt}\u{1f}{plain}").as_bytes());
        let mut iv = [0; IV_LENGTH];
        iv.copy_from_slice(&digest[..IV_LENGTH]);
        Self::seal_with(iv, plain, key)
    }

    /// Encrypts with that initialisation vector.
    pub(crate) fn seal_with(iv: [u8; IV_LENGTH], plain: &str, key: &[u8]) -> Option<Self> {
        let cipher = Cipher::new_from_slice(key).ok()?;
        let mut body = plain.as_bytes().to_vec();
        let tag = cipher.encrypt_in_place_detached(<&Nonce<U16>>::from(&iv), b"", &mut body).ok()?;
        Some(Self { iv, tag: tag.into(), body })
    }

    /// Decrypts; `None` when the key is another one or of another length, or any byte was changed.
    pub fn open(&self, key: &[u8]) -> Option<Vec<u8>> {
        let cipher = Cipher::new_from_slice(key).ok()?;
        let mut body = self.body.clone();
        let (iv, tag) = (<&Nonce<U16>>::from(&self.iv), <&Tag>::from(&self.tag));
        cipher.decrypt_in_place_detached(iv, b"", &mut body, tag).ok()?;
        Some(body)
    }

    /// The value with each of its bytes changed in turn: a byte of the vector, of the tag, of what is encrypted.
    pub fn tampered(&self) -> impl Iterator<Item = Self> + '_ {
        let length = 2 * IV_LENGTH + self.body.len();
        (0..length).map(|at| {
            let mut other = self.clone();
            match at {
                at if at < IV_LENGTH => other.iv[at] ^= 1,
                at if at < 2 * IV_LENGTH => other.tag[at - IV_LENGTH] ^= 1,
                at => other.body[at - 2 * IV_LENGTH] ^= 1,
            }
            other
        })
    }
}

impl std::fmt::Display for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [iv, tag, body] = [&self.iv[..], &self.tag[..], &self.body[..]].map(|part| STANDARD.encode(part));
        write!(f, "{iv}:{tag}:{body}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Vec<u8> {
        (0..32).collect()
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_no_other() {
        let sealed = Sealed::seal("eyJhbGciOi", &key(), "a").unwrap();
        assert_eq!(Sealed::parse(&sealed.to_string()), Some(sealed.clone()));
        assert_eq!(sealed.open(&key()), Some(b"eyJhbGciOi".to_vec()));
        let other: Vec<u8> = (1..33).collect();
        assert_eq!(sealed.open(&other), None);
        for length in [0, 16, 31, 33, 64] {
            assert_eq!(sealed.open(&vec![7; length]), None, "{length}");
            assert_eq!(Sealed::seal("x", &vec![7; length], "a"), None, "{length}");
        }
    }

    #[test]
    fn every_byte_counts() {
        let sealed = Sealed::seal("secret", &key(), "a").unwrap();
        assert_eq!(sealed.tampered().count(), 16 + 16 + 6);
        assert!(sealed.tampered().all(|t| t != sealed && t.open(&key()).is_none()));
    }

    /// As the bundled scenario's application writes it.
    #[test]
    fn a_value_of_the_application_opens() {
        let text =
            "AAECAwQFBgcICQoLDA0ODw==:/04+6gcKq8ilHGBezQr8YQ==:FA7/BkyGJkHul7pLOcFz1izSBtEL6IwiKlEjiuWctQ==";
        let open = Sealed::parse(text).unwrap().open(&key()).map(String::from_utf8);
        assert!(open.is_some_and(|o| o.is_ok_and(|o| o.len() == 31)));
    }

    #[test]
    fn other_forms_are_none() {
        for bad in ["", "sk_live_1", "a:b", "AAAA:AAAA:AAAA", "::", "eyJ.eyJ.sig"] {
            assert_eq!(Sealed::parse(bad), None, "{bad}");
        }
        let sealed = Sealed::seal("x", &key(), "a").unwrap().to_string();
        assert_eq!(Sealed::parse(&format!("{sealed}:AAAA")), None);
    }
}
