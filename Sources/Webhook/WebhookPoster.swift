import CCrypto
import CCurl
import Glibc
import Larder
import Synchronization

/// Posts pushes, one at a time, on the caller's thread. Connections are kept for the next post.
package final class WebhookPoster: @unchecked Sendable {
  // Unchecked: `multi` and `easy` belong to the one thread that posts. Others only call `cancel`,
  // which uses the atomic flag and `curl_multi_wakeup`, which any thread may call.
  private let multi: UnsafeMutableRawPointer
  private let easy: UnsafeMutableRawPointer
  private let isCancelled = Atomic(false)
  private let bounds: Bounds

  /// What one post may cost.
  package struct Bounds: Sendable {
    /// Until the connection stands, TLS included.
    package var connect = Limits.webhookConnectTime
    /// From the start to the end of the answer.
    package var total = Limits.webhookTime
    /// What is read of the answer.
    package var answerBytes = Limits.webhookAnswerBytes
    /// A PEM file of the authorities that are trusted, instead of the system's.
    package var authorities: String?

    package init() {}
  }

  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Ends the process where libcurl has no memory for its handles.
  package init(bounds: Bounds = Bounds()) {
    guard Self.isReady, let multi = curl_multi_init(), let easy = curl_easy_init() else {
      preconditionFailure("libcurl can't be used")
    }
    self.multi = multi
    self.easy = easy
    self.bounds = bounds
    _ = ccurl_multi_set_number(multi, CURLMOPT_MAXCONNECTS, Limits.webhookPosts)
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_multi_cleanup(multi)
  }

  /// Cuts off the post that is under way, and all later ones. From any thread.
  package func cancel() {
    isCancelled.store(true, ordering: .releasing)
    curl_multi_wakeup(multi)
  }

  /// Posts a push once, signed for this try. The key is read anew; without it nothing is sent.
  package func post(
    _ delivery: Delivery, to webhook: WebhookSpec, at now: Instant
  ) -> WebhookResult {
    guard let scheme = Self.scheme(of: webhook.url) else {
      return .failed("the webhook's URL is neither http:// nor https://")
    }
    let key: [UInt8]
    do throws(PrivateFileError) {
      key = try PrivateFile.read(webhook.secret, named: "the webhook's secret")
    } catch {
      return .failed(error.description)
    }
    guard !key.isEmpty else {
      return .failed("the webhook's secret in \(webhook.secret) is empty")
    }
    let headers = Self.headers(of: delivery, at: now, key: key)
    defer { curl_slist_free_all(headers) }
    Self.blockBrokenPipes()
    curl_easy_reset(easy)
    restrict(to: scheme)
    _ = ccurl_set_text(easy, CURLOPT_URL, webhook.url)
    _ = ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, headers)
    let size = AnswerSize(limit: bounds.answerBytes)
    return withExtendedLifetime(size) {
      read(into: Unmanaged.passUnretained(size).toOpaque())
      return delivery.body.withCString { body in
        _ = ccurl_set_number(easy, CURLOPT_POST, 1)
        _ = ccurl_set_number(easy, CURLOPT_POSTFIELDSIZE, delivery.body.utf8.count)
        _ = ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, body)
        return result(of: perform())
      }
    }
  }

  private static func headers(
    of delivery: Delivery, at now: Instant, key: [UInt8]
  ) -> UnsafeMutablePointer<curl_slist>? {
    let signature = WebhookSignature.header(
      id: delivery.id, timestamp: now.seconds, body: delivery.body.utf8, key: key)
    var headers: UnsafeMutablePointer<curl_slist>?
    for header in [
      "Content-Type: application/json", "webhook-id: \(delivery.id)",
      "webhook-timestamp: \(now.seconds)", "webhook-signature: \(signature)",
      // libcurl would ask the host before it sends a long body, and wait.
      "Expect:",
    ] {
      headers = curl_slist_append(headers, header)
    }
    return headers
  }

  /// The URL's scheme, if it may be used.
  private static func scheme(of url: String) -> String? {
    // What follows a NUL would not reach libcurl.
    guard !url.utf8.contains(0) else { return nil }
    let start = url.prefix("https://".count).lowercased()
    return start == "https://" ? "https" : start.hasPrefix("http://") ? "http" : nil
  }

  /// The host that the file names, and no other way or place: no redirect, no proxy and no
  /// password file of the environment.
  private func restrict(to scheme: String) {
    _ = ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, scheme)
    _ = ccurl_set_number(easy, CURLOPT_FOLLOWLOCATION, 0)
    _ = ccurl_set_text(easy, CURLOPT_PROXY, "")
    _ = ccurl_set_number(easy, CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
    _ = ccurl_set_number(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    _ = ccurl_set_number(easy, CURLOPT_SSL_VERIFYPEER, 1)
    _ = ccurl_set_number(easy, CURLOPT_SSL_VERIFYHOST, 2)
    _ = ccurl_set_number(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    if let authorities = bounds.authorities {
      _ = ccurl_set_text(easy, CURLOPT_CAINFO, authorities)
    }
    _ = ccurl_set_text(easy, CURLOPT_USERAGENT, "larder")
    _ = ccurl_set_number(easy, CURLOPT_NOSIGNAL, 1)
    // A host name that is still being looked up must not hold up who gives the post up.
    _ = ccurl_set_number(easy, CURLOPT_QUICK_EXIT, 1)
    _ = ccurl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(bounds.connect.inMilliseconds))
    _ = ccurl_set_number(easy, CURLOPT_TIMEOUT_MS, Int(bounds.total.inMilliseconds))
  }

  private func read(into size: UnsafeMutableRawPointer) {
    _ = ccurl_set_writer(easy, CURLOPT_WRITEFUNCTION, AnswerSize.take)
    _ = ccurl_set_pointer(easy, CURLOPT_WRITEDATA, size)
    _ = ccurl_set_writer(easy, CURLOPT_HEADERFUNCTION, AnswerSize.take)
    _ = ccurl_set_pointer(easy, CURLOPT_HEADERDATA, size)
  }

  /// Does the transfer; nil where it was cancelled.
  private func perform() -> CURLcode? {
    guard curl_multi_add_handle(multi, easy) == CURLM_OK else { return CURLE_FAILED_INIT }
    defer { curl_multi_remove_handle(multi, easy) }
    var running: Int32 = 1
    while true {
      if isCancelled.load(ordering: .acquiring) { return nil }
      guard curl_multi_perform(multi, &running) == CURLM_OK else { return CURLE_FAILED_INIT }
      if running == 0 { break }
      // Woken by the socket, by a time-out of libcurl or by `cancel`.
      curl_multi_poll(multi, nil, 0, Int32(bounds.total.inMilliseconds), nil)
    }
    var left: Int32 = 0
    guard let message = curl_multi_info_read(multi, &left), message.pointee.msg == CURLMSG_DONE
    else { return CURLE_FAILED_INIT }
    return message.pointee.data.result
  }

  private func result(of code: CURLcode?) -> WebhookResult {
    guard let code else { return .cancelled }
    let status = number(CURLINFO_RESPONSE_CODE)
    // The status has come, whatever became of the rest of the answer.
    if (200...299).contains(status) { return .accepted }
    if (300...399).contains(status) {
      return .failed("the host answered \(status): redirects are not followed")
    }
    // After 1xx there is no answer yet.
    if status >= 400 { return .failed("the host answered \(status)") }
    if code == CURLE_OK { return .failed("the host's answer is no HTTP answer") }
    return .failed(why(code))
  }

  /// libcurl's own words for the code alone: its longer ones may hold what the URL does.
  private func why(_ code: CURLcode) -> String {
    if code == CURLE_OPERATION_TIMEDOUT { return "the host did not answer in time" }
    if code == CURLE_WRITE_ERROR {
      return "the host's answer is longer than \(bounds.answerBytes) bytes"
    }
    var text = "the post failed: \(String(cString: curl_easy_strerror(code)))"
    let verification = number(CURLINFO_SSL_VERIFYRESULT)
    let system = number(CURLINFO_OS_ERRNO)
    if code == CURLE_PEER_FAILED_VERIFICATION, verification != 0 {
      text += " (\(String(cString: X509_verify_cert_error_string(verification))))"
    } else if code == CURLE_COULDNT_CONNECT, system != 0 {
      text += " (\(String(cString: strerror(Int32(system)))))"
    }
    return text
  }

  private func number(_ info: CURLINFO) -> Int {
    var value = 0
    _ = ccurl_get_number(easy, info, &value)
    return value
  }

  /// A host that hangs up must not end the process by a signal: libcurl was told to leave signals
  /// alone, and OpenSSL writes without saying so.
  private static func blockBrokenPipes() {
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &brokenPipe, nil)
  }
}
