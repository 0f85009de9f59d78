#pragma once

#include <string>
#include <vector>

#include "manifests/tenant.hpp"

/// Voice and video calls. LiveKit passes on the media of a call of any number of people; coturn
/// those of calls of two, where firewalls keep them apart; lk-jwt-service lets into LiveKit whom
/// the homeserver knows (docs/calls.md).
namespace alphorn::manifests {

inline constexpr int kLiveKitPort = 7880;  // who is in which call, by the gateway
inline constexpr int kLiveKitMetricsPort = 6789;
inline constexpr int kTurnPort = 3478;   // inside the pod; from outside it may be another
inline constexpr int kLkJwtPort = 8080;  // by the gateway, and LiveKit's news

// Keys of the Secret calls_keys().
inline constexpr const char* kLiveKitSecret = "livekit";
inline constexpr const char* kTurnSecret = "turn";
/// By which LiveKit knows whose secret a token was signed with.
inline constexpr const char* kLiveKitKey = "alphorn";
/// On Services: the address that was found last, for a pod that is stopped has none.
inline constexpr const char* kFoundAddress = "alphorn.dev/found-address";

/// On pods: which Secret with keys of calls they have read.
inline constexpr const char* kCallsKeysSeen = "alphorn.dev/calls-keys";

// What runs, as labels and policies call it.
inline constexpr const char* kLiveKit = "livekit";
inline constexpr const char* kTurn = "turn";
inline constexpr const char* kLkJwt = "lk-jwt";

std::string livekit_name(const Tenant& tenant);        // acme-livekit: Deployment, Service
std::string livekit_media_name(const Tenant& tenant);  // acme-livekit-media: Service
std::string turn_name(const Tenant& tenant);           // acme-turn: Deployment, Service
std::string lk_jwt_name(const Tenant& tenant);         // acme-lk-jwt: Deployment, Service
std::string inner_gateway_name(const Tenant& tenant);  // acme-gateway-inner: Service
std::string calls_keys(const Tenant& tenant);          // acme-calls-keys: Secret

/// It was asked for, and there are images for it.
bool has_calls(const Tenant& tenant);
/// People of Matrix get into calls of several.
bool has_group_calls(const Tenant& tenant);
/// The ports and addresses that LiveKit must tell are known.
bool livekit_can_start(const Tenant& tenant);

/// The files of LiveKit and coturn that no secret is in, and what coturn's are for a program.
json livekit_config(const Tenant& tenant);
std::string turn_config(const Tenant& tenant);
// The workloads, as Deployments with what they mount; calls_pods.cpp.
Manifest livekit_deployment(const Tenant& tenant, const json& files);
Manifest turn_deployment(const Tenant& tenant, const json& files);
Manifest lk_jwt_deployment(const Tenant& tenant, const json& files);

/// Environment of lk-jwt-service.
json lk_jwt_environment(const Tenant& tenant);

/// What the homeserver says of calls, and the file with the secret that it and coturn share.
json calls_homeserver_config(const Tenant& tenant);
bool homeserver_knows_turn(const Tenant& tenant);
json turn_secret_volume(const Tenant& tenant);
json turn_secret_mount();

/// What clients read of where calls of several are: "livekit" and its URL, in a list.
json rtc_foci(const Tenant& tenant);

}  // namespace alphorn::manifests
