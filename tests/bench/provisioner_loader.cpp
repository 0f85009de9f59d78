// What a server must at least be sent for a directory, sent as fast as it takes it: no plan, no
// journal, no look at what is there.
//
//   provisioner_loader URL THREADS < work.json > times.json
//
// work.json: {"token": "...", "phases": [{"name": "users", "lanes": [[{"method", "target",
// "body"}]]}]}. A lane's requests go one after the other. A body may hold "$room:N", the id that
// the N-th created room of an earlier phase got. times.json: {"users": seconds}.
#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>

#include "base/encoding.hpp"
#include "base/json.hpp"
#include "http/transport.hpp"

namespace {

using alphorn::json;
using alphorn::http::Request;

class Loader {
 public:
  Loader(std::string url, std::string token)
      : transport_(alphorn::http::make_transport(
            {.url = std::move(url), .timeout = std::chrono::seconds(300)})),
        token_(std::move(token)) {}

  double seconds_of(const json& lanes, int threads) {
    const auto begun = std::chrono::steady_clock::now();
    std::atomic<std::size_t> next = 0;
    {
      std::vector<std::jthread> pool;
      for (int count = 0; count < threads; ++count) {
        pool.emplace_back([&] {
          for (std::size_t at = next++; at < lanes.size(); at = next++) {
            for (const json& request : lanes[at]) send(request);
          }
        });
      }
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }

 private:
  std::string with_room(std::string text) {
    constexpr std::string_view kMark = "$room:";
    const std::size_t begin = text.find(kMark);
    if (begin == std::string::npos) return text;
    std::size_t end = begin + kMark.size();
    while (end < text.size() && text[end] != '"' && text[end] != '/') ++end;
    const std::scoped_lock lock{mutex_};
    const std::string& id =
        rooms_.at(text.substr(begin + kMark.size(), end - begin - kMark.size()));
    const bool in_path = begin > 0 && text[begin - 1] == '/';
    return text.replace(begin, end - begin, in_path ? alphorn::percent_encode(id) : id);
  }

  void send(const json& wanted) {
    const Request request{
        .method = wanted["method"],
        .target = with_room(wanted["target"]),
        .headers = {{"Authorization", "Bearer " + token_}, {"Content-Type", "application/json"}},
        .body = with_room(wanted["body"].dump())};
    const auto response = transport_->send(request, {});
    if (response.status >= 300) {
      std::cerr << request.target << ": " << response.status << " " << response.body << '\n';
      std::exit(1);
    }
    if (wanted.contains("room")) {
      const std::scoped_lock lock{mutex_};
      rooms_[wanted["room"]] = json::parse(response.body)["room_id"];
    }
  }

  std::shared_ptr<alphorn::http::Transport> transport_;
  std::string token_;
  std::mutex mutex_;
  std::map<std::string, std::string> rooms_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const json work = json::parse(std::string{std::istreambuf_iterator<char>(std::cin), {}});
  Loader loader{argv[1], work["token"]};
  json times = json::object();
  for (const json& phase : work["phases"]) {
    times[phase["name"].get<std::string>()] = loader.seconds_of(phase["lanes"], std::atoi(argv[2]));
  }
  std::cout << times.dump() << '\n';
}
