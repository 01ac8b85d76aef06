//! What PostgreSQL majors do differently, as one table.

/// Oldest major that is supported.
pub const OLDEST: u32 = 13;
/// Newest major that is known.
pub const NEWEST: u32 = 18;

/// Something that only some majors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `CREATE DATABASE ... LOCALE_PROVIDER`.
    LocaleProvider,
    /// `CREATE DATABASE ... ICU_LOCALE`.
    IcuLocale,
    /// `CREATE DATABASE ... STRATEGY`.
    CreateStrategy,
    /// `CREATE DATABASE ... ICU_RULES`.
    IcuRules,
    /// `CREATE DATABASE ... BUILTIN_LOCALE`.
    BuiltinLocale,
    /// Memberships are granted by someone, and one role may be a member several times.
    GrantorOfMembership,
    /// `GRANT role ... WITH INHERIT` and `WITH SET`.
    MembershipOptions,
    /// Table privilege `MAINTAIN`.
    Maintain,
    /// Default privileges of large objects.
    LargeObjectDefaults,
}

/// First major that has each feature.
const SINCE: [(Feature, u32); 9] = [
    (Feature::LocaleProvider, 15),
    (Feature::IcuLocale, 15),
    (Feature::CreateStrategy, 15),
    (Feature::IcuRules, 16),
    (Feature::GrantorOfMembership, 16),
    (Feature::MembershipOptions, 16),
    (Feature::BuiltinLocale, 17),
    (Feature::Maintain, 17),
    (Feature::LargeObjectDefaults, 18),
];

/// The first major that has `feature`.
pub fn since(feature: Feature) -> u32 {
    SINCE
        .iter()
        .find(|(known, _)| *known == feature)
        .map_or(NEWEST + 1, |(_, major)| *major)
}

/// Whether `major` has `feature`.
pub fn has(major: u32, feature: Feature) -> bool {
    major >= since(feature)
}
