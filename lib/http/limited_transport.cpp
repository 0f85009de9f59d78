#include "http/limited_transport.hpp"

#include <condition_variable>
#include <mutex>

namespace alphorn::http {
namespace {

class LimitedTransport final : public Transport {
 public:
  LimitedTransport(std::shared_ptr<Transport> inner, int most)
      : inner_(std::move(inner)), free_(most) {}

  Response send(const Request& request, std::stop_token stop) override {
    const Place place{*this, stop};
    return inner_->send(request, stop);
  }

  Response stream(const Request& request, const LineSink& on_line, std::chrono::seconds idle,
                  std::stop_token stop) override {
    return inner_->stream(request, on_line, idle, stop);
  }

 private:
  /// One of the places, for as long as it lives.
  class Place {
   public:
    Place(LimitedTransport& owner, const std::stop_token& stop) : owner_(owner) {
      std::unique_lock lock{owner_.mutex_};
      if (!owner_.freed_.wait(lock, stop, [this] { return owner_.free_ > 0; })) {
        throw TransportError(TransportError::Kind::stopped, "stopped while waiting for its turn");
      }
      --owner_.free_;
    }
    ~Place() {
      {
        const std::scoped_lock lock{owner_.mutex_};
        ++owner_.free_;
      }
      owner_.freed_.notify_one();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    LimitedTransport& owner_;
  };

  std::shared_ptr<Transport> inner_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  int free_;
};

}  // namespace

std::shared_ptr<Transport> limited(std::shared_ptr<Transport> transport, int most) {
  return std::make_shared<LimitedTransport>(std::move(transport), most);
}

}  // namespace alphorn::http
