#pragma once

#include "homeserver/components.hpp"

/// One question per component: does it do its job? All are pure and read only the World.
namespace alphorn::homeserver {

/// Ready, with nothing more to say.
extern const Readiness kReady;
Readiness not_ready(std::string reason, std::string message);
Readiness absent(const std::string& kind, const std::string& name);  ///< it will be made
/// A program that did not answer. Its pod may be ready an instant before its Service leads to it,
/// so only the second silence in a row is trouble; the first is progress.
Readiness silent(const World& world, const std::string& component, const std::string& problem);

Readiness keys_ready(const World& world);
Readiness volumes_ready(const World& world);
Readiness network_ready(const World& world);
Readiness exposure_ready(const World& world);
Readiness certificates_ready(const World& world);
/// The part of it that cert-manager tells.
Readiness issuance_ready(const World& world);
Readiness authentication_ready(const World& world);
Readiness media_ready(const World& world);   // the key to the bucket is there
Readiness bucket_ready(const World& world);  // the bucket takes and gives
Readiness database_ready(const World& world);
Readiness homeserver_ready(const World& world);
Readiness administrator_ready(const World& world);
Readiness gateway_ready(const World& world);
Readiness web_ready(const World& world);
Readiness mas_ready(const World& world);

/// Accounts are where the resource says: neither by the homeserver where Matrix Authentication
/// Service has keys, nor the other way round. Nothing when all is well.
std::optional<Readiness> accounts_elsewhere(const World& world);

/// The gateway's Service is there and the port of its public address is known: all that the others
/// need of the exposure. Whether anybody comes in by it is another matter.
bool address_is_known(const World& world);

/// What to say of a Secret that the company has yet to bring.
std::string missing_secret(const World& world, const std::string& name);

/// Addresses and names that a load balancer or an Ingress controller was given, to be shown.
json endpoints_of(const World& world);

/// The size a claim can be asked for: what it has, where it cannot follow. Asking for more would be
/// refused in every pass, and a refused step would hold up everything that needs the volume.
std::string claim_size(const World& world, const std::string& name, const std::string& asked);

/// The first trouble that a pod of this workload is in, or the plain "not yet".
Readiness explain_pods(const World& world, const std::string& kind, const std::string& name);

Readiness stateful_set_ready(const World& world, const std::string& name);

/// No pod of the workload is there, wanted, or about to be made.
bool is_gone(const World& world, const std::string& kind, const std::string& name);

/// kHibernated once no pod of the workload is left.
Readiness hibernation_of(const World& world, const std::string& kind, const std::string& name);

/// How a component is whose pods are gone because the tenant hibernates: not ready, and yet as it
/// should be.
extern const Readiness kHibernated;

/// No pod of who uses the database is left, and none is wanted.
bool database_is_unused(const World& world);

/// The same of one workload: no pod is there, wanted, or about to be made.
bool is_gone(const World& world, const std::string& kind, const std::string& name);

/// The workload alone is rolled out: worth asking the program itself.
bool homeserver_rolled_out(const World& world);
bool gateway_rolled_out(const World& world);
bool web_rolled_out(const World& world);  ///< false as well where none is served
bool mas_rolled_out(const World& world);  ///< the same
Readiness deployment_ready(const World& world, const std::string& name);

/// Its pods were made for the certificate that is there now, not for one before.
bool gateway_shows_certificate(const World& world);

/// What status.administrator.registration says once the account exists. It stands for the account,
/// the database's volume and the Secret with the password: one that was lost with its database, or
/// whose password was lost, is made again.
std::string registration_of(const World& world);

/// True when nothing can have used the claims yet: each was made for this very tenant, no server
/// was started and no signing key was ever reported. Only then may a missing key be drawn. Whatever
/// is in doubt counts as used.
bool data_is_untouched(const World& world);

}  // namespace alphorn::homeserver
