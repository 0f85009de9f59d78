#include "homeserver/reach.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

#include "base/secret.hpp"

namespace alphorn::homeserver {

namespace {

using Clock = std::chrono::steady_clock;

// Short, for a worker waits, and an address that nobody leads back to is tried once a minute for
// ever. Datagrams get lost: there are three questions.
constexpr int kQuestions = 3;
constexpr std::chrono::milliseconds kBetweenQuestions{250};
constexpr std::chrono::milliseconds kPatience{750};
constexpr std::chrono::milliseconds kBetweenLooks{50};

constexpr std::size_t kHeader = 20;
constexpr std::size_t kTransactionAt = 8;
constexpr std::size_t kTransaction = 12;
constexpr std::array<char, 8> kBindingRequest{0, 1, 0, 0, 0x21, 0x12, '\xa4', 0x42};

class Socket {
 public:
  explicit Socket(int type)
      : descriptor_(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }

  bool connect_to(const std::string& address, int port) const {
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<std::uint16_t>(port));
    if (descriptor_ < 0 || inet_pton(AF_INET, address.c_str(), &peer.sin_addr) != 1) return false;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets' own interface
    const int result =
        ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
    return result == 0 || errno == EINPROGRESS;
  }

  /// False when nothing came in time, or somebody wants to stop.
  bool becomes(short event, std::chrono::milliseconds patience, const std::stop_token& stop) const {
    const auto end = Clock::now() + patience;
    while (!stop.stop_requested() && Clock::now() < end) {
      pollfd one{.fd = descriptor_, .events = event, .revents = 0};
      if (::poll(&one, 1, static_cast<int>(kBetweenLooks.count())) > 0) return true;
    }
    return false;
  }

 private:
  int descriptor_;
};

std::string place(const std::string& address, int port, const char* protocol) {
  return address + ":" + std::to_string(port) + "/" + protocol;
}

/// A success that repeats what only we and whoever is on the way know.
bool answers(const Socket& socket, const std::string& question) {
  std::array<char, 1500> buffer{};
  const ssize_t length = ::recv(socket.descriptor(), buffer.data(), buffer.size(), 0);
  if (length < static_cast<ssize_t>(kHeader)) return false;
  return buffer[0] == 1 && buffer[1] == 1 &&
         std::equal(question.begin() + kTransactionAt, question.end(),
                    buffer.begin() + kTransactionAt);
}

}  // namespace

std::string ask_stun(const std::string& address, int port, std::stop_token stop) {
  const std::string problem =
      "nobody answers at " + place(address, port, "udp") + ", where clients ask for their address";
  const Socket socket{SOCK_DGRAM};
  if (!socket.connect_to(address, port)) return problem;
  const std::string question =
      std::string{kBindingRequest.begin(), kBindingRequest.end()} + random_bytes(kTransaction);
  for (int count = 0; count < kQuestions && !stop.stop_requested(); ++count) {
    // Refused is what the one before may have been; the next may get through.
    ::send(socket.descriptor(), question.data(), question.size(), MSG_NOSIGNAL);
    if (socket.becomes(POLLIN, kBetweenQuestions, stop) && answers(socket, question)) return "";
  }
  return problem;
}

std::string try_to_connect(const std::string& address, int port, std::stop_token stop) {
  const std::string problem =
      "nobody answers at " + place(address, port, "tcp") + ", where clients send media";
  const Socket socket{SOCK_STREAM};
  if (!socket.connect_to(address, port)) return problem;
  if (!socket.becomes(POLLOUT, kPatience, stop)) return problem;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? "" : problem;
}

}  // namespace alphorn::homeserver
