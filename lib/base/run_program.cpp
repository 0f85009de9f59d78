#include "base/run_program.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "base/clock.hpp"

extern "C" {  // glibc 2.36 forgot to say so
#include <sys/pidfd.h>
}

namespace alphorn {
namespace {

constexpr std::size_t kPiece = 4096;

using std::chrono::milliseconds;

[[noreturn]] void fail(const Program& program, const std::string& why) {
  throw std::runtime_error("\"" + program.command + "\" " + why);
}

/// Memory that held a secret, cleansed at the end.
template <typename Memory>
struct Wiped {
  Memory& memory;
  ~Wiped() { OPENSSL_cleanse(memory.data(), memory.size()); }
};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

/// "NAME=value" of the whole environment.
std::vector<std::string> environment_of(const Program& program) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text{*entry};
    if (!program.environment.contains(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : program.environment) {
    result.push_back(std::string{name}.append("=").append(value));
  }
  return result;
}

/// As exec wants it; `texts` must outlive it.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// A file in memory that holds the program's input, to be read from its begin.
int input_of(const Program& program) {
  const int file = memfd_create("input", MFD_CLOEXEC);
  if (file < 0) fail(program, std::string{"cannot be given its input: "} + std::strerror(errno));
  const std::string& text = program.input.reveal();
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t count = write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      close(file);
      fail(program, std::string{"cannot be given its input: "} + std::strerror(errno));
    }
    written += static_cast<std::size_t>(count);
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

class Child {
 public:
  Child(const Program& program, int output) {
    const Descriptor input{input_of(program)};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input.number(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    // Libraries open sockets and files that would be inherited.
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    // Signals that this process waits for in one thread are blocked in all; the program's are not.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGCHLD);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    const int group = program.may_ask ? 0 : POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setflags(
        &attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));

    std::vector<std::string> arguments{program.command};
    arguments.insert(arguments.end(), program.arguments.begin(), program.arguments.end());
    std::vector<std::string> environment = environment_of(program);
    const int problem =
        posix_spawnp(&pid_, program.command.c_str(), &files, &attributes,
                     pointers_to(arguments).data(), pointers_to(environment).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (problem != 0) fail(program, std::string{"cannot be started: "} + std::strerror(problem));
    handle_.emplace(pidfd_open(pid_, 0));
    if (handle_->number() < 0) {
      end();
      fail(program, std::string{"cannot be followed: "} + std::strerror(errno));
    }
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Readable once it has ended.
  int handle() const { return handle_->number(); }

  /// Its exit code; 128 and more when a signal ended it. Waits for its end.
  int wait() {
    int status = 0;
    pid_t found = -1;
    do {
      found = waitpid(pid_, &status, 0);
    } while (found < 0 && errno == EINTR);
    ended_ = true;
    if (found < 0) return kUnknown;  // somebody else has waited for it
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  static constexpr int kUnknown = 255;

  void end() {
    if (ended_) return;
    kill(-pid_, SIGKILL);  // with whatever it started
    kill(pid_, SIGKILL);   // it may have moved to another group
    wait();
  }

  pid_t pid_ = -1;
  std::optional<Descriptor> handle_;
  bool ended_ = false;
};

}  // namespace

Secret output_of(const Program& program, milliseconds limit) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(program, "cannot be started: no pipe");
  const Descriptor reading{ends[0]};
  std::optional<Descriptor> writing{std::in_place, ends[1]};
  Child child{program, writing->number()};
  writing.reset();  // or its end would never be seen

  const auto deadline = steady_clock().now() + limit;
  const auto wait_for = [&](int descriptor) {
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock().now());
      pollfd waited{.fd = descriptor, .events = POLLIN, .revents = 0};
      const int ready = left.count() > 0 ? poll(&waited, 1, static_cast<int>(left.count())) : 0;
      if (ready > 0) return;
      if (ready == 0) {
        fail(program, "did not end within " + std::to_string(limit.count() / 1000) + " s");
      }
    }
  };
  std::string text;
  text.reserve(program.most_output + kPiece);  // growing would leave copies behind
  std::array<char, kPiece> buffer{};
  const Wiped<std::string> wiped_text{text};
  const Wiped<std::array<char, kPiece>> wiped_buffer{buffer};
  while (true) {
    wait_for(reading.number());
    const ssize_t count = read(reading.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > program.most_output) {
      fail(program, "wrote more than " + std::to_string(program.most_output) + " bytes");
    }
  }
  wait_for(child.handle());
  const int code = child.wait();
  if (code != 0) fail(program, "ended with code " + std::to_string(code));
  return Secret{text};
}

}  // namespace alphorn
