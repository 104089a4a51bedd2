import Larder

extension PoolBuilder {
  mutating func claims(_ fields: Fields?, stock: Fields) -> ClaimPolicy {
    var policy = ClaimPolicy()
    guard let fields else { return policy }
    policy.order = fields.text("order").flatMap(ClaimPolicy.Order.init) ?? policy.order
    policy.perUser = fields.integer("per_user") ?? policy.perUser
    policy.hold = fields.duration("hold") ?? policy.hold
    policy.minRemaining = fields.duration("min_remaining") ?? policy.minRemaining
    policy.onMiss = fields.text("on_miss").flatMap(ClaimPolicy.OnMiss.init) ?? policy.onMiss
    policy.backorderTimeout =
      fields.mapping("backorder")?.duration("timeout") ?? policy.backorderTimeout
    policy.onRelease =
      fields.text("on_release").flatMap(ClaimPolicy.OnRelease.init) ?? policy.onRelease
    policy.webhook = fields.mapping("webhook").flatMap { webhook($0) }
    if let place = fields["min_remaining"], let life = stock.duration("shelf_life"),
      life <= policy.minRemaining
    {
      warn(
        place.range, "an item is expired as soon as it is stored: its shelf life is no longer",
        hint: "write less than `stock.shelf_life`, \(DurationText.format(life))")
    }
    if let place = fields["on_release"], policy.onRelease == .restock, policy.hold == .zero {
      warn(
        place.range, "nothing is ever released: `claims.hold` allows no holds",
        hint: "write the longest hold that is allowed, such as `hold: 10m`")
    }
    return policy
  }

  /// The webhook; nil where there is none, or a part of it is missing or wrong.
  private mutating func webhook(_ fields: Fields) -> WebhookSpec? {
    let secret = fields.text("secret").flatMap { $0 == WebhookURL.none ? nil : $0 }
    // What is wrong has been told of already.
    if let field = fields["url"], field.value == nil { return nil }
    guard let field = fields["url"], let text = fields.text("url"), text != WebhookURL.none else {
      if let place = fields["secret"], secret != nil {
        warn(
          place.range, "nothing is signed with this: the webhook has no `url`",
          hint: "add `url`, or leave `secret` out")
      }
      return nil
    }
    if let url = try? WebhookURL(text), url.isReadByOthers {
      warn(
        field.range, "payloads leave this machine unencrypted: everybody on the way can read them",
        hint: "write `https://`, or the address of a proxy on this machine")
    }
    if let field = fields["secret"], field.value == nil { return nil }
    guard let secret else {
      report(
        fields["secret"]?.range ?? fields.range,
        "`claims.webhook.secret` is missing: a webhook needs it to sign what it pushes",
        hint: "write the path of a file (mode 0400 or 0600): `secret: ./webhook.key`")
      return nil
    }
    return WebhookSpec(url: text, secret: Paths.absolute(secret, in: directory))
  }
}
