// See native.hpp.
#include "api/compat/common/native.hpp"

#include "api/http/header_fields.hpp"
#include "api/jobs/job_response.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/job.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/security/secret.hpp"

namespace vultus::api::compat {
namespace {

const error no_photo{errc::unsupported_media, "File is empty"};

constexpr std::string_view problem_path = "/problems/";
constexpr int rounds_max = 3;  ///< of a listing while people are removed

error error_in(const json_value& told, std::string_view word, std::string_view detail) {
    auto code = errc_named(word);
    error why{code.value_or(errc::internal), std::string(detail)};
    const auto* files = told.find("files");
    // The only photo of a train: what is wrong with it is what is wrong.
    if (why.code == errc::no_usable_photo && files != nullptr && files->items.size() == 1) {
        code = errc_named(files->items[0].text_of("reason"));
        if (code) why = {*code, std::string(files->items[0].text_of("detail"))};
    }
    return why;
}

void keep_retry(request& of, const response& told) {
    const auto text = find_header(told.fields, "retry-after");
    int seconds = 0;
    for (const char c : text.substr(0, 6)) {
        if (c < '0' || c > '9') return;
        seconds = seconds * 10 + (c - '0');
    }
    of.retry_after = seconds;
}

}  // namespace

request native_request(const request& of, name_values query, shared_bytes photo,
                       std::string_view type) {
    request made;
    made.method = "POST";
    made.query = std::move(query);
    made.fields = {{"Prefer", "wait=30"}};
    if (!photo.empty()) made.fields.emplace_back("Content-Type", std::string(type));
    made.body = std::move(photo);
    made.room = of.room;
    made.client = of.client;
    made.key = of.key;
    made.address = of.address;
    made.holder = of.holder;
    made.hurried = of.hurried;
    made.secure = of.secure;
    made.trace_id = of.trace_id;
    made.traceparent = of.traceparent;
    return made;
}

result<json_value> native_answer(request& of, const response& told) {
    auto parsed = parse_json(told.body);
    if (!parsed) return fail(errc::internal, "A native answer is not JSON");
    if (told.status < 400) return parsed;
    keep_retry(of, told);
    auto word = parsed->text_of("type");
    if (word.starts_with(problem_path)) word.remove_prefix(problem_path.size());
    return fail(error_in(*parsed, word, parsed->text_of("detail")));
}

result<json_value> native_job(request& of, const response& told) {
    auto job = native_answer(of, told);
    if (!job) return job;
    const auto state = job->text_of("state");
    if (state == "succeeded") {
        for (auto& [name, value] : job->members) {
            if (name == "result") return std::move(value);
        }
        return json_value{};
    }
    if (const auto* why = job->find("error")) {
        return fail(error_in(*why, why->text_of("code"), why->text_of("detail")));
    }
    if (state == "cancelled") return fail(errc::wrong_state, "The job was cancelled");
    return fail(errc::deadline_exceeded,
                "The request was accepted and goes on: job " + std::string(job->text_of("id")));
}

asio::awaitable<result<json_value>> ask(job_type type, request& req, services& ctx,
                                        shared_bytes photo, name_values options) {
    if (photo.empty()) co_return fail(no_photo);
    options.emplace("durable", "false");
    request inner = native_request(req, std::move(options), std::move(photo));
    const auto told = co_await handlers::ask(type, inner, ctx);
    co_return native_answer(req, told);
}

asio::awaitable<result<json_value>> ask_both(request& req, services& ctx, shared_bytes first,
                                             shared_bytes second, name_values options) {
    options.emplace("durable", "false");
    const std::string boundary = random_hex(16);
    const std::string head = "--" + boundary +
                             "\r\nContent-Disposition: form-data; name=\"file\"; "
                             "filename=\"photo\"\r\n\r\n";
    std::string form;
    form.reserve(first.size() + second.size() + 512);
    form += head;
    form += first.view();
    form += "\r\n" + head;
    form += second.view();
    form += "\r\n--" + boundary + "--\r\n";
    request inner = native_request(req, std::move(options), shared_bytes(std::move(form)),
                                   "multipart/form-data; boundary=" + boundary);
    const auto told = co_await handlers::ask(job_type::verify, inner, ctx);
    co_return native_answer(req, told);
}

asio::awaitable<result<json_value>> teach(request& req, services& ctx, shared_bytes photo,
                                          name_values options) {
    if (photo.empty()) co_return fail(no_photo);
    request inner = native_request(req, std::move(options), std::move(photo));
    const auto told = co_await handlers::train(inner, ctx);
    co_return native_job(req, told);
}

asio::awaitable<result<json_value>> change(request& req, services& ctx, new_change wanted) {
    request inner = native_request(req, {});
    const auto told = co_await accept_change(inner, ctx, std::move(wanted));
    co_return native_job(req, told);
}

asio::awaitable<result<json_value>> forget(request& req, services& ctx, std::string collection,
                                           const person_record& person, std::string face_id) {
    new_change wanted;
    wanted.type = job_type::forget;
    wanted.collection = std::move(collection);
    wanted.face_id = std::move(face_id);
    const bool by_id = !person.person_id.empty();
    wanted.label = by_id ? person.person_id : std::string(name_of_key(person.key));
    wanted.by = by_id ? person_by::id : person_by::name;
    co_return co_await change(req, ctx, std::move(wanted));
}

result<std::string> collection_of(const request& req) {
    if (req.key == nullptr) return std::string("default");
    const auto& mine = req.key->collections;
    if (mine.size() == 1 && mine[0] != "*") return mine[0];
    if (auto good = may_use(req.key.get(), "default"); !good) return fail(good.error());
    return std::string("default");
}

asio::awaitable<result<std::vector<person_record>>> people_named(services& ctx,
                                                                 std::string collection,
                                                                 std::string name, bool any_case) {
    if (auto good = check_label(name); !good) co_return fail(good.error());
    const auto label = co_await stored_label(collection, name, ctx);
    if (!label) co_return fail(label.error());
    const auto exact = ctx.people.find(collection, person_by::name, *label);
    auto found = co_await ctx.redis.call(exact);
    if (found || found.error().code != errc::not_found) co_return found;
    std::vector<person_record> people;
    if (!any_case) co_return people;
    const auto folded = folded_name(*label);
    const auto alike = ctx.people.list(collection, folded, limits::page_size, "");
    const auto page = co_await ctx.redis.call(alike);
    if (!page && page.error().code == errc::migrating) co_return people;
    if (!page) co_return fail(page.error());
    for (const auto& one : page->rows) {
        const auto theirs = name_of_key(one.key);
        const bool first = people.empty() || name_of_key(people.front().key) == theirs;
        if (same_text(theirs, *label) && first) people.push_back(one);
    }
    co_return people;
}

asio::awaitable<result<std::vector<person_record>>> everybody(services& ctx, std::string collection,
                                                              std::size_t most) {
    for (int round = 0; round < rounds_max; ++round) {
        const auto before = co_await ctx.redis.call(ctx.retention.watch_gallery(collection));
        if (!before) co_return fail(before.error());
        std::vector<person_record> all;
        std::string next;
        do {
            const auto call = ctx.people.list(collection, "", limits::page_size, next);
            auto page = co_await ctx.redis.call(call);
            if (!page) co_return fail(page.error());
            for (auto& one : page->rows) all.push_back(std::move(one));
            next = page->next;
        } while (!next.empty() && all.size() < most);
        if (all.size() > most) all.resize(most);
        // A person of an earlier page may be gone by now.
        const auto now = co_await ctx.redis.call(ctx.retention.watch_gallery(collection));
        if (!now) co_return fail(now.error());
        if (all.empty() || now->allows(before->version)) co_return all;
    }
    co_return fail(errc::old_version, "People were removed while they were listed");
}

response unkept_json(int status, std::string text) {
    auto made = json_response(status, std::move(text));
    made.with("Cache-Control", "no-store");
    return made;
}

result<name_values> lenient_query(std::string_view text, bool form) {
    name_values parsed;
    if (!form) {
        const auto mark = text.find('?');
        text = mark == text.npos ? "" : text.substr(mark + 1);
        text = text.substr(0, text.find('#'));
    }
    std::size_t fields = 0;
    while (!text.empty()) {
        if (++fields > limits::multipart_parts) {
            return fail(errc::too_large, "More than 64 fields");
        }
        const auto amp = text.find('&');
        const auto pair = text.substr(0, amp);
        text = amp == text.npos ? std::string_view{} : text.substr(amp + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = percent_decode(equals == pair.npos ? "" : pair.substr(equals + 1), true);
        if (!name) return fail(name.error());
        if (!value) return fail(value.error());
        parsed.emplace(std::move(*name), std::move(*value));
    }
    return parsed;
}

}  // namespace vultus::api::compat
