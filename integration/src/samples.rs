//! The sample applications' metric names, as they must read in a store.

use crate::expected::Names;

/// Selects everything that the Python application measures.
pub const PYTHON: &str = r#"{job="sample/shop"}"#;

/// Instruments of the Python application and the families they become.
pub const PYTHON_NAMES: Names<'static> = &[
    ("shop.orders", "shop_orders_total"),
    ("shop.sent", "shop_sent_bytes_total"),
    ("shop.carts.open", "shop_carts_open"),
    ("shop.request.duration", "shop_request_duration_seconds"),
    ("shop.payload.size", "shop_payload_size_bytes"),
    ("shop.basket.value", "shop_basket_value_EUR"),
    ("shop.room.temperature", "shop_room_temperature_celsius"),
    ("shop.extremes", "shop_extremes"),
    ("shop.new.name", "shop_new_name_total"),
    ("shop.visits", "shop_visits_total"),
    ("shop.cpu.time", "shop_cpu_time_seconds_total"),
    ("shop.queue.length", "shop_queue_length"),
    ("shop.cpu.utilization", "shop_cpu_utilization_ratio"),
    ("stock.moves", "stock_moves_total"),
];

/// Selects everything that the JavaScript application measures.
pub const JAVASCRIPT: &str = r#"{job="kiosk"}"#;

/// Instruments of the JavaScript application and the families they become.
pub const JAVASCRIPT_NAMES: Names<'static> = &[
    ("kiosk.sales", "kiosk_sales_total"),
    ("kiosk.stock", "kiosk_stock"),
    ("kiosk.latency", "kiosk_latency_milliseconds"),
    ("kiosk.change", "kiosk_change_EUR"),
    ("kiosk.light", "kiosk_light_percent"),
    ("kiosk.door", "kiosk_door"),
];
