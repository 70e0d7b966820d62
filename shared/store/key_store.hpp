// Access keys and their quotas: what the api reads and charges, and what an operator changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/access_key.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct key_page {
    bool same = false;             ///< nothing changed: keys is empty
    std::string changes;           ///< `known` of the next call
    std::vector<access_key> keys;  ///< oldest first
};
struct bucket {
    std::uint64_t quota = 0, left = 0;  ///< quota 0: no limit
    std::chrono::seconds full_in{0};
};
struct spent {
    std::string over;                   ///< empty: granted; else the resource that is used up
    std::chrono::milliseconds wait{0};  ///< refused: retry after this time
    bucket requests, image_bytes;
};

/// `by`      for the audit log
/// threads   any; const after construction
class key_store {
 public:
    explicit key_store(store_context context) : context_(std::move(context)) {}

    /// All keys, if they changed after `known`; empty: in any case.
    redis_call<key_page> keys(std::string_view known) const;
    /// Charges one request and its photos. errors unauthorized: there is no such key
    redis_call<spent> spend(std::string_view key_id, std::size_t image_bytes) const;

    /// errors    wrong_state: the id is taken; queue_full: limits::access_keys exist
    redis_call<void> create_key(const access_key&, std::string_view by = {}) const;
    /// errors    not_found
    redis_call<void> revoke_key(std::string_view id, std::string_view by = {}) const;
    /// The new key gets the rights of the old one. returns the end of the old one
    /// errors    not_found, and those of create_key()
    redis_call<unix_time> rotate_key(std::string_view old_id, std::string_view id,
                                     std::string_view hash, std::chrono::milliseconds overlap,
                                     std::string_view by = {}) const;

 private:
    store_context context_;
};

}  // namespace vultus
