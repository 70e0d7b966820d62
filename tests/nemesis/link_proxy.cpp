// Stands in the middle of connections over unix sockets, so that a test can cut them.
//     link_proxy FROM=TO ...        listens at each FROM and passes everything on to TO
// and reads orders from its standard input, one a line:
//     hold FROM         what is sent stays here; a new connection is taken and gets no answer
//     go FROM           everything goes on, and what was held arrives
//     drop FROM         all connections are closed at once, without a word
// It ends with its standard input.
#include <boost/asio.hpp>
#include <cstdio>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using stream = asio::local::stream_protocol;
using asio::awaitable;
using asio::detached;
using asio::use_awaitable;

constexpr std::size_t chunk_bytes = 64 * 1024;

struct joined {
    joined(stream::socket a, asio::any_io_executor executor) : from(std::move(a)), to(executor) {}
    stream::socket from, to;
    void close() {
        boost::system::error_code ignored;
        from.close(ignored);
        to.close(ignored);
    }
};

class cable {
 public:
    cable(asio::io_context& context, const std::string& from, std::string to)
        : acceptor_(context, stream::endpoint(from)), to_(std::move(to)), gate_(context) {
        asio::co_spawn(context, accept(), detached);
    }

    void hold() { held_ = true; }
    void go() {
        held_ = false;
        gate_.cancel();
    }
    void drop() {
        for (const auto& one : pairs_) {
            if (const auto live = one.lock()) live->close();
        }
        pairs_.clear();
    }

 private:
    awaitable<void> accept() {
        while (true) {
            auto socket = co_await acceptor_.async_accept(use_awaitable);
            auto one = std::make_shared<joined>(std::move(socket), acceptor_.get_executor());
            pairs_.remove_if([](const auto& old) { return old.expired(); });
            pairs_.push_back(one);
            asio::co_spawn(acceptor_.get_executor(), join(one), detached);
        }
    }

    awaitable<void> open() {
        while (held_) {
            boost::system::error_code ignored;
            gate_.expires_at(asio::steady_timer::time_point::max());
            co_await gate_.async_wait(asio::redirect_error(use_awaitable, ignored));
        }
    }

    awaitable<void> join(std::shared_ptr<joined> one) {
        try {
            co_await open();
            co_await one->to.async_connect(stream::endpoint(to_), use_awaitable);
            asio::co_spawn(acceptor_.get_executor(), pass(one, one->to, one->from), detached);
            co_await pass(one, one->from, one->to);
        } catch (const boost::system::system_error&) {
        }
        one->close();
    }

    awaitable<void> pass(std::shared_ptr<joined> one, stream::socket& in, stream::socket& out) {
        std::vector<char> chunk(chunk_bytes);
        try {
            while (true) {
                const auto got = co_await in.async_read_some(asio::buffer(chunk), use_awaitable);
                co_await open();
                co_await asio::async_write(out, asio::buffer(chunk.data(), got), use_awaitable);
            }
        } catch (const boost::system::system_error&) {
        }
        one->close();
    }

    stream::acceptor acceptor_;
    std::string to_;
    asio::steady_timer gate_;
    bool held_ = false;
    std::list<std::weak_ptr<joined>> pairs_;
};

awaitable<void> take_orders(std::map<std::string, cable>& cables) {
    const std::map<std::string, void (cable::*)()> orders{
        {"hold", &cable::hold}, {"go", &cable::go}, {"drop", &cable::drop}};
    auto context = co_await asio::this_coro::executor;
    asio::posix::stream_descriptor input(context, 0);
    std::string text;
    boost::system::error_code ended;
    while (true) {
        const auto size = co_await asio::async_read_until(
            input, asio::dynamic_buffer(text), '\n', asio::redirect_error(use_awaitable, ended));
        if (ended) std::_Exit(0);
        const auto space = text.find(' ');
        const auto order = orders.find(text.substr(0, space));
        const auto which = cables.find(text.substr(space + 1, size - space - 2));
        if (order == orders.end() || which == cables.end()) {
            std::fprintf(stderr, "link_proxy: no such order: %s", text.substr(0, size).c_str());
            std::_Exit(2);
        }
        (which->second.*order->second)();
        text.erase(0, size);
    }
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context context(1);
    std::map<std::string, cable> cables;
    for (int i = 1; i < argc; ++i) {
        const std::string word(argv[i]);
        const auto equal = word.find('=');
        if (equal == std::string::npos) {
            std::fprintf(stderr, "usage: link_proxy FROM=TO ...\n");
            return 2;
        }
        cables.try_emplace(word.substr(0, equal), context, word.substr(0, equal),
                           word.substr(equal + 1));
    }
    asio::co_spawn(context, take_orders(cables), detached);
    context.run();
}
