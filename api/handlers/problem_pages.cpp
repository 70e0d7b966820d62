// See problem_pages.hpp.
#include "api/handlers/problem_pages.hpp"

#include <iterator>

#include "api/http/problem.hpp"

namespace vultus::api {
namespace {

constexpr problem_advice advice[] = {
    {errc::malformed,
     "The request cannot be read: its JSON, form, query, header or path breaks the rules of its "
     "format. The detail names the place.",
     "Correct the request. Sending it again unchanged gives the same answer."},
    {errc::bad_option,
     "The request has an option that this call does not take, that is there twice, or whose value "
     "is out of its range. Unknown options are refused, so that a mistyped one never acts on "
     "something else.",
     "Correct the option that the detail names. The OpenAPI document lists the options of each "
     "call."},
    {errc::bad_label,
     "The name of the person cannot be used: it is empty, longer than 200 bytes, not UTF-8, or has "
     "control characters.",
     "Choose another name."},
    {errc::bad_collection,
     "The name of the collection cannot be used. It has 1 to 64 letters, digits, '-' and '_', and "
     "begins with a letter or a digit.",
     "Correct the name."},
    {errc::not_found,
     "There is no such address, job, person, face or collection; or the key may not see it.",
     "Check the address and the id. A name of a person in an address must be percent-encoded."},
    {errc::collected,
     "The job existed. Finished jobs are kept for 24 hours, and this one is older.",
     "Nothing. Read results before they are 24 hours old, or follow the events."},
    {errc::method_not_allowed, "The address exists and does not take this method.",
     "Use one of the methods in the header Allow."},
    {errc::already_terminal, "The job is finished, so it cannot be cancelled.", "Read its result."},
    {errc::wrong_state,
     "The request does not fit the present state: for instance, the new name of a rename is that "
     "of somebody else.",
     "Read the detail. For a name that is taken, merge the two people instead."},
    {errc::several_people,
     "Several people of the collection have this name. The detail has their ids.",
     "Repeat the call with person_id and one of these ids."},
    {errc::person_exists, "Another person of the collection has this person_id or external_id.",
     "Use another id, or send the request for the person who has it."},
    {errc::length_required,
     "The request has a body, and states neither its length nor chunked coding.",
     "Send Content-Length."},
    {errc::too_large,
     "The request is over a limit: the bytes of the body, the pixels of a photo, the number of "
     "photos, or the length of a header. The detail names the limit.",
     "Make the photo smaller, or send fewer photos in one request. A photo may have 10 MiB and 40 "
     "million pixels."},
    {errc::unsupported_media,
     "The content is no photo in a supported format, or the body has a Content-Encoding. The "
     "detail names what was found.",
     "Send JPEG, PNG, WebP, HEIC or AVIF, without compression of the body."},
    {errc::idempotency_conflict,
     "The Idempotency-Key was used in the last 24 hours by a request with other content.",
     "Use a new key for a new request, and the same key only to repeat a request unchanged."},
    {errc::unauthorized,
     "The service requires a key or a login, and the request has none that is valid. A key may "
     "have expired or been revoked.",
     "Send the key as Authorization: Bearer KEY, or log in on the page. The operator makes keys "
     "with vultusctl key create."},
    {errc::forbidden,
     "The key or user is valid, and may not do this: it lacks the scope, or the collection.",
     "Ask the operator for a key with that scope and collection."},
    {errc::forbidden_origin,
     "A web page of another site sent the request. Browsers are kept from changing anything here "
     "on behalf of other sites.",
     "If the site is yours, the operator adds it to api.allowed_origins."},
    {errc::misdirected,
     "The header Host names a machine that this service does not answer for. This keeps a foreign "
     "site from reaching it under its own name.",
     "The operator adds the name to api.allowed_hosts."},
    {errc::quota,
     "The key, the user or the address has used up its share of requests, photo bytes or "
     "unfinished jobs.",
     "Wait as many seconds as Retry-After states. RateLimit in each answer shows what is left."},
    {errc::request_timeout, "The request did not arrive in time.",
     "Send it again on a new connection, and the body without pauses."},
    {errc::upgrade_required, "The address is a WebSocket, and the request does not ask for one.",
     "Open it with a WebSocket client."},
    {errc::url_refused,
     "A photo may not be fetched from this URL: its host or address is not on the operator's list.",
     "Send the photo itself, or ask the operator to add the host to api.fetch_urls."},
    {errc::fetch_failed,
     "The server of the photo's URL did not give the photo: it is unreachable, too slow, has a bad "
     "certificate, or answered something else than the photo.",
     "Open the URL from the machine of the service, and look at what comes. Or send the photo "
     "itself."},
    {errc::queue_full, "More jobs wait than the queue takes.",
     "Wait as many seconds as Retry-After states, and repeat with the same Idempotency-Key. The "
     "operator can add workers."},
    {errc::store_unavailable, "The database (Redis) is unreachable, or is not safe to use.",
     "Repeat with the same Idempotency-Key. The operator looks at ./run --doctor, vultusctl status "
     "and the log of Redis."},
    {errc::migrating, "After an upgrade, the people of this collection are being indexed.",
     "Repeat after the seconds in Retry-After. It takes seconds, of a large collection minutes."},
    {errc::no_worker,
     "No worker can take a request that is not stored, or none has the model that it names. The "
     "detail has its name.",
     "Repeat, or leave out durable=false, so that the request waits. The operator looks at "
     "vultusctl status."},
    {errc::draining, "This process of the service is stopping.",
     "Repeat: another process, or the same one after its restart, takes the request."},
    {errc::unknown_outcome,
     "The connection to the database broke after the command was sent, so it may have been carried "
     "out.",
     "Repeat with the same Idempotency-Key: then it takes effect once."},
    {errc::undecodable_image, "The data of the picture are damaged.",
     "Open the photo in another program and save it again."},
    {errc::truncated_image, "The picture ends too early: part of the file is missing.",
     "Copy or upload the file again."},
    {errc::no_face, "No face was found in a photo that needs one.",
     "Use a photo in which the face is larger and visible; try detector=centerface, rotate=true "
     "for a turned photo, or a smaller min_face_px."},
    {errc::several_faces,
     "The photo of a training shows more than one face, so it is unclear whom to learn.",
     "Cut out the face of the person, or use another photo."},
    {errc::too_small, "The quality gate refuses the photo: the face has too few pixels.",
     "Use a larger or nearer photo, or quality=off."},
    {errc::blurred, "The quality gate refuses the photo: the face is blurred.",
     "Use a sharper photo, or quality=off."},
    {errc::turned_away,
     "The quality gate refuses the photo: the face looks too far aside, up or down.",
     "Use a photo that shows the face from the front, or quality=off."},
    {errc::too_dark, "The quality gate refuses the photo: the face is too dark.",
     "Use a photo with more light, or quality=off."},
    {errc::too_bright, "The quality gate refuses the photo: the face is too bright.",
     "Use a photo with less light, or quality=off."},
    {errc::looks_like_other,
     "The quality gate refuses the photo: the face looks like that of another trained person.",
     "Check whether the name is right. If it is, use another photo, or quality=off."},
    {errc::no_usable_photo,
     "None of the photos of a training could be used. error.files has the reason for each.",
     "Look at the reasons, and send other photos."},
    {errc::too_few_people,
     "A calibration compares people, and the collection has too few: it needs 20 people with two "
     "photos each.",
     "Teach more people."},
    {errc::label_full, "The person has 1,000 faces, which is the limit.",
     "Remove some of the faces. More than some ten good photos of a person add little."},
    {errc::gallery_full, "The collection has reached its limit of faces.",
     "Remove people, or use a second collection."},
    {errc::model_mismatch,
     "The collection holds embeddings of another model than the request brings or asks for. "
     "Numbers of different models cannot be compared.",
     "Use the model of the collection (GET /api/collections/{collection}/model), or change the "
     "collection's model."},
    {errc::no_image,
     "The picture is not stored: it was not asked for, its time is over, or its collection keeps "
     "none.",
     "For boxes drawn on a photo, send annotate=true and read the picture within the hour. For "
     "pictures of faces, the collection must keep them."},
    {errc::deadline_exceeded, "The job waited longer than its deadline, and was given up.",
     "Repeat. If it happens again, the service has too few workers for what it is sent."},
    {errc::out_of_memory, "The database or the device has no memory left for this.",
     "Repeat after the seconds in Retry-After. The operator looks at the memory of Redis and the "
     "workers."},
    {errc::device_fault, "A device that computes, such as a GPU, failed. Its worker restarts.",
     "Repeat with the same Idempotency-Key."},
    {errc::poison,
     "The photo ended three workers, each while it was alone with it. It is not tried again.",
     "Convert the photo with another program and send that. Please report the photo's format to "
     "the developers."},
    {errc::stale, "A change overtook the answer, which was therefore dropped.",
     "Repeat the request."},
    {errc::old_version,
     "People were removed while the answer was computed, so it might have named them and was "
     "dropped.",
     "Repeat the request."},
    {errc::not_registered, "The worker of the request lost its registration.",
     "Repeat the request."},
    {errc::wrong_version, "A part of the service has another version than the rest.",
     "Repeat the request. If it stays, the operator finishes the upgrade of all processes."},
    {errc::internal, "A defect of the program. Its log has more, under the trace_id of the answer.",
     "Please report it to the developers with the lines of the log that have the trace_id."},
};

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < std::size(advice); ++i) {
        if (advice[i].code != static_cast<errc>(i)) return false;
    }
    return true;
}
static_assert(std::size(advice) == static_cast<std::size_t>(errc::internal) + 1);
static_assert(is_in_order(), "in the order of errc: advice_on() looks up by position");

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else {
            out += c;
        }
    }
    return out;
}

/// `above`: the way from the page to the root, so that it also works under a path of a proxy.
std::string framed(const std::string& above, std::string_view title, const std::string& content) {
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
           escaped(title) + " - Vultus</title>\n<link rel=\"icon\" href=\"" + above +
           "icon.svg\" type=\"image/svg+xml\">\n<link rel=\"stylesheet\" href=\"" + above +
           "style.css\">\n</head>\n<body>\n<main>\n<h1>" + escaped(title) + "</h1>\n" + content +
           "</main>\n</body>\n</html>\n";
}

std::string list_of_problems() {
    std::string rows =
        "<p>What an answer of the type <code>application/problem+json</code> or a "
        "failed job can report.</p>\n<ul>\n";
    for (const problem_advice& one : advice) {
        const std::string name(name_of(one.code));
        rows += "<li><a href=\"problems/" + name + "\"><code>" + name + "</code></a> " +
                escaped(title_of(one.code)) + "</li>\n";
    }
    return framed("", "Problems", rows + "</ul>\n");
}

}  // namespace

const problem_advice& advice_on(errc code) noexcept {
    return advice[static_cast<std::size_t>(code)];
}

std::string problem_page(std::string_view name) {
    if (name.empty()) return list_of_problems();
    const auto code = errc_named(name);
    if (!code) return {};
    const problem_advice& about = advice_on(*code);
    return framed("../", title_of(*code),
                  "<p><code>" + std::string(name) + "</code>, HTTP status " +
                      std::to_string(http_status(*code)) + "</p>\n<h2>What it means</h2>\n<p>" +
                      escaped(about.means) + "</p>\n<h2>What to do</h2>\n<p>" +
                      escaped(about.to_do) +
                      "</p>\n<p><a href=\"../problems\">All problems</a></p>\n");
}

}  // namespace vultus::api
