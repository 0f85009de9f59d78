#pragma once

#include <chrono>

#include "homeserver/plan.hpp"

/// The database: who logs in to it, how a password changes without anybody noticing, and what is
/// known of one that somebody else runs. Docs/decisions/0012 tells why it is so. Pure, but for
/// login_secret().
namespace alphorn::homeserver {

/// WHAT of api::kRotatePrefix: the password that programs log in with.
inline constexpr const char* kDatabasePassword = "database-password";

/// CloudNativePG's kind.
inline constexpr const char* kDatabaseCluster = "Cluster";

/// What a login's Secret says of itself; nothing when it says nothing of the kind.
std::optional<manifests::DatabaseLogin> login_in(const json& secret);

/// Completes the World with how programs are to log in now, and whether the check of that has
/// succeeded. The steps of a new password: draw it for the other role; once a Job has logged in
/// with it, lead programs to it; once all have read that, shut the former role out.
void observe_login(World& world, std::chrono::seconds former_login_stays);

/// A new password is under way: something is due soon.
bool is_rotating(const World& world);

/// The login as it is wanted. While an external database is not checked, as it is.
LoginWish login_wish(const World& world);
LoginWish login_wish_of(const World& world, const manifests::DatabaseLogin& login);

/// The Secret itself, with passwords: those in `seen` (what is there, or null) are kept, others are
/// drawn, or read from the Secrets in the World. Applying it fails when what is there is no longer
/// what was seen. Throws std::runtime_error when a password is missing or is no line of text.
json login_secret(const World& world, const LoginWish& wish, const json* seen);

/// It is there to ask the database, and nothing else depends on it.
bool is_of_check(const json& object);

/// A Job of the database's check that has told what it can: one that nobody asks for any more, one
/// that failed a while ago, or one whose good news the homeserver's silence puts in doubt.
bool check_is_over(const World& world, const json& job);

/// status.database; empty while there is nothing to say.
json login_status(const World& world);

}  // namespace alphorn::homeserver
