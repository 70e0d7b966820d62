// See page_token.hpp. Base64 with the URL-safe alphabet and without padding (RFC 4648, 5).
#include "shared/model/page_token.hpp"

#include <sodium.h>

namespace vultus {
namespace {

constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
constexpr std::size_t token_bytes = 1024;

}  // namespace

std::string page_token(std::string_view cursor) {
    std::string token(sodium_base64_encoded_len(cursor.size(), variant), '\0');
    sodium_bin2base64(token.data(), token.size(),
                      reinterpret_cast<const unsigned char*>(cursor.data()), cursor.size(),
                      variant);
    token.pop_back();  // the byte 0 that ends it
    return token;
}

result<std::string> cursor_in(std::string_view token) {
    std::string cursor(token_bytes, '\0');
    std::size_t size = 0;
    // It refuses a token with digits or bits behind the last byte, so each cursor has one token.
    if (token.size() > token_bytes ||
        sodium_base642bin(reinterpret_cast<unsigned char*>(cursor.data()), cursor.size(),
                          token.data(), token.size(), nullptr, &size, nullptr, variant) != 0 ||
        size == 0) {
        return fail(errc::malformed, "not a page token");
    }
    cursor.resize(size);
    return cursor;
}

}  // namespace vultus
